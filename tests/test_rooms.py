"""The rooms of ``src/mer``: what each is for, and that no room imports from one above it."""

import ast

import pytest

from mer import registry
from mer.errors import MerError
from mer.pipeline import imports

PACKAGE = imports.SRC / "mer"
MOST_ROOT_MODULES = 14
REGISTRIES = (
    *("augment", "cli", "datasets", "features", "models"),
    *("learn.trainers", "pipeline.demo.writers"),
)

# From the top: a room imports those below it, never one above it or beside it in the same line.
ORDER = (
    ("__main__",),
    ("cli",),
    ("inference",),
    ("pipeline.demo",),
    ("pipeline.demo.writers",),
    ("pipeline",),
    ("learn.trainers",),
    ("site",),
    ("audit", "learn", "report", "reproduction"),
    ("compatibility",),
    ("selection",),
    ("augment", "datasets", "features", "models"),
    ("features.panda1714.dimensions",),
    ("features.panda1714.signal",),
    ("features.panda1714.notes", "features.panda1714.stats"),
    ("config",),
    ("decoding", "dsp", "networks"),
    ("io",),
    ("audio", "inner_folds", "metrics", "splits"),
    ("schema", "targets"),
    ("predictions",),
    ("registry", "runtime", "types"),
    ("contracts",),
    ("errors", "seeds"),
    ("",),
)
FLOOR = {room: -floor for floor, rooms in enumerate(ORDER) for room in rooms}


def folders() -> list[str]:
    """Every folder of the package that holds modules, seen from the package."""
    found = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    return sorted(found - {"."})


def is_family(room: str) -> bool:
    """Whether a room is a family of features, which is a module that describes itself."""
    return room.startswith("features.") and room.count(".") == 1


def room_of(module: str) -> str:
    """The innermost room of a module: ``learn.trainers`` of ``mer.learn.trainers.hybrid``."""
    parts = module.split(".")[1:]
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in FLOOR), "")


def imports_between(module: str) -> list[tuple[str, str]]:
    """The room of each import of a module that leaves its own room, and the module imported."""
    here = room_of(module)
    targets = sorted(imports.imported(imports.path_of(module)))
    return [(room, target) for target in targets if (room := room_of(target)) != here]


def test_every_folder_and_root_module_is_a_room():
    """A family's folder is an entry of the room ``features``; it may have rooms of its own."""
    found = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    found |= {name for folder in folders() if not is_family(name := folder.replace("/", "."))}
    assert found == {room for room in FLOOR if room} - {"features.panda1714.stats"}


@pytest.mark.parametrize("room", [folder for folder in folders() if "/" not in folder])
def test_the_map_in_the_readme_has_every_folder(room):
    readme = (imports.SRC.parent / "README.md").read_text(encoding="utf-8")
    assert f"\n  {room}/ " in readme


def test_a_file_that_is_no_python_is_named_with_its_line(tmp_path):
    (path := tmp_path / "new.py").write_text("x = 1\ndef f(:\n")
    with pytest.raises(
        MerError, match=r"new\.py must be Python, and its line 2 is not \(.*\); corr"
    ):
        imports.imported(path)


def test_no_room_imports_from_a_higher_one():
    wrong = [
        f"{module} imports {target}"
        for module in imports.modules()
        for room, target in imports_between(module)
        if FLOOR[room] >= FLOOR[room_of(module)]
    ]
    assert not wrong


def test_no_cycle_of_modules():
    """Inside a room too: modules can be put in an order in which each imports earlier ones only."""
    left = {m: set(imports.imported(imports.path_of(m))) - {m} for m in imports.modules()}
    while ready := [module for module, targets in left.items() if not targets & left.keys()]:
        for module in ready:
            del left[module]
    assert not left


def test_few_modules_lie_at_the_root():
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_ROOT_MODULES


@pytest.mark.parametrize("folder", folders())
def test_a_folder_says_its_purpose_in_a_sentence(folder):
    purpose = ast.get_docstring(imports.tree(PACKAGE / folder / "__init__.py"))
    assert purpose is not None
    if not is_family(folder.replace("/", ".")):
        assert "\n" not in purpose
        assert purpose.endswith(".")


@pytest.mark.parametrize("package", REGISTRIES)
def test_entries_of_a_registry_do_not_import_each_other(package):
    entries = [f"mer.{package}.{name}" for name in registry.names(package)]
    wrong = [
        f"{module} imports {target}"
        for entry in entries
        for module in imports.modules()
        if f"{module}.".startswith(f"{entry}.")
        for target in imports.imported(imports.path_of(module))
        if any(f"{target}.".startswith(f"{other}.") for other in entries if other != entry)
    ]
    assert not wrong


OFFERS = {
    "augment": {"sample_parameters", "apply"},
    "cli": {"arguments", "run"},
    "datasets": {"tracks"},
    "features": {"names"},
    "learn.trainers": {"fit_predict", "predict"},
    "models": {"build"},
    "pipeline.demo.writers": {"write"},
}


@pytest.mark.parametrize("package", REGISTRIES)
def test_a_registry_folder_holds_entries_and_nothing_else(package):
    for name in registry.names(package):
        body = imports.tree(imports.path_of(f"mer.{package}.{name}")).body
        defined = {node.name for node in body if isinstance(node, ast.FunctionDef)}
        assert OFFERS[package] <= defined, name


def test_a_helper_in_a_registry_folder_is_no_entry():
    assert (PACKAGE / "augment" / "_random.py").is_file()
    assert "_random" not in registry.names("augment")


# Folders of tests of the whole: runs in clones, pages of docs/, what the tests share.
OF_THE_WHOLE = {"docs", "helpers", "system"}


def test_the_tests_lie_as_the_package_does():
    tests = PACKAGE.parents[1] / "tests"
    found = {path.parent.relative_to(tests).as_posix() for path in tests.rglob("*.py")}
    assert found - {"."} - OF_THE_WHOLE <= set(folders())
