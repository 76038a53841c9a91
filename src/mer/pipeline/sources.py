"""The stage ``sources``: the source files behind each stage, with their digests.

A stage depends on its list, ``data/sources/<script>.txt``, in place of every module that it imports. So an
edit makes exactly those stages stale that run the edited file, and no list of modules is kept by hand.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mer import registry
from mer.io.files import sha256, write_text, writing
from mer.pipeline import imports

STAGES = imports.SRC.parent / "stages"
DATA_FILES = {
    path.name: path
    for path in (imports.SRC / "mer").rglob("*.*")
    if path.is_file() and not path.is_symlink() and not path.suffix.startswith(".py")
}

# The registries of which a script gets the entry that its selection names, and those of which any.
SELECTED = {"train": "models", "experiment": "models", "setting": "models", "features": "features"}
ANY = {
    "validate": ("augment", "datasets", "features", "models"),
    "train": ("learn.trainers",),
    "experiment": ("learn.trainers",),
    "release": ("features", "learn.trainers", "models"),
    "render": ("pipeline.demo.writers",),
    "index": ("datasets",),
    "augment": ("augment",),
}
# Entries that these scripts get without an import: the families whose tables come with a corpus, and of a
# family only the catalogue of its columns.
ALSO = {
    "index": ("features.published1714", "features.top100"),
    "render": ("features.top100",),
    "train": ("features._panda_catalogue",),
    "experiment": ("features._panda_catalogue",),
}


@cache
def data_files(path: Path) -> frozenset[Path]:
    """The data files of the package that a module names."""
    nodes = ast.walk(imports.tree(path))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return frozenset(file for name, file in DATA_FILES.items() if name in texts)


@cache
def _line(path: Path) -> str:
    digest = sha256(path)
    return f"{digest[:16]} {path.relative_to(imports.SRC.parent).as_posix()}\n"


def files(script: str, selected: str | None = None) -> list[Path]:
    """The files that decide what ``stages/<script>.py`` does, sorted.

    Parameters
    ----------
    selected : str or None
        The model or family of its selection, for the scripts of ``SELECTED``.
    """
    names = [
        f"{package}.{name}" for package in ANY.get(script, ()) for name in registry.names(package)
    ]
    names += ALSO.get(script, ())
    if selected:
        names.append(f"{SELECTED[script]}.{selected}")
    start = {STAGES / f"{script}.py"} | {
        path for n in names if (path := imports.path_of(f"mer.{n}"))
    }
    modules = start | imports.reached(*start)
    data = {file for module in modules for file in data_files(module)}
    return sorted(path for path in modules | data if path in data or not imports.is_docstring(path))


def _lists() -> Iterator[tuple[str, list[Path]]]:
    """The name and the files of each list."""
    for path in sorted(STAGES.glob("*.py")):
        script = path.stem
        if script in SELECTED:
            for name in registry.names(SELECTED[script]):
                yield f"{script}-{name}", files(script, name)
        else:
            yield script, files(script)


def write(target: Path) -> None:
    """Write ``data/sources``: a list for each script, or for each selection of those of ``SELECTED``."""
    with writing(target) as folder:
        for name, found in _lists():
            write_text(folder / f"{name}.txt", "".join(map(_line, found)))
