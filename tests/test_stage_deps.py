"""A stage depends on every module that its script imports, and on the data files beside them.

Otherwise DVC would call a result up to date that was computed with other code.
"""

import ast
import re
from functools import cache
from itertools import product
from pathlib import Path

import pytest
import yaml

from conftest import ROOT
from helpers import imports
from mer import registry

PIPELINES = (
    "dvc.yaml",
    "data/dvc.yaml",
    "papers/corpora/dvc.yaml",
    "papers/dvc.yaml",
    "papers/experiments.yaml",
)
DATA_FILES = {
    p.name: p for p in (imports.SRC / "mer").rglob("*.*") if not p.suffix.startswith(".py")
}
EVERY = "*"

# What a stage gets of a registry: the entry that it names, or any.
TRAINS = {"models": "${item.model}", "learn.trainers": EVERY}
ENTRIES = {
    "validate": {"augment": EVERY, "datasets": EVERY, "features": EVERY, "models": EVERY},
    "train": {"models": "${model}", "learn.trainers": EVERY},
    "experiment": TRAINS,
    "cross": TRAINS,
    "transfer": TRAINS,
    "pretrained": TRAINS,
    "setting": {"models": "${item.model}"},
    "render": {"pipeline.demo.writers": EVERY},
    "index": {"datasets": EVERY},
    "features": {"features": "${item.family}"},
    "augment": {"augment": EVERY},
}
# What an entry gets of another registry.
ALSO = {
    "index": ("mer.features.published1714", "mer.features.top100"),
    "render": ("mer.features.top100",),
    "train": ("mer.features._panda_catalogue",),  # of a family it reads the catalogue only
}
# The catalogue is not read for these: a published table is copied from the index, which depends on it,
# and synthetic tables have the columns of the top 100.
UNREAD = {"features": {DATA_FILES["catalogue.csv"]}, "render": {DATA_FILES["catalogue.csv"]}}
# Nothing of these decides the results of these stages.
FORBIDDEN = {
    "train": ("cli", "report", "reproduction", "inference", "models", "features"),
    "experiment": ("cli", "report", "reproduction", "inference", "models", "features"),
    "evaluate": ("cli", "report", "reproduction", "inference", "models", "features", "learn"),
    "mel": ("cli", "report", "reproduction", "inference", "models", "features", "learn"),
    "features": ("cli", "report", "reproduction", "inference", "models", "features", "learn"),
    "augment": ("cli", "report", "reproduction", "inference", "models", "features", "learn"),
}


def stages() -> dict[str, dict]:
    """Every stage by name, a group's as each member is written, of two pipelines the later's."""
    found = {}
    for pipeline in PIPELINES:
        content = yaml.safe_load((ROOT / pipeline).read_text(encoding="utf-8"))
        found |= {name: stage.get("do", stage) for name, stage in content["stages"].items()}
    return found


STAGES = stages()


def script(stage: dict) -> Path:
    """``stages/<name>.py`` of a stage's command."""
    return ROOT / re.search(r"stages/\w+\.py", stage["cmd"])[0]


def compositions(name: str) -> list[tuple[dict[str, str], list[Path]]]:
    """For each choice of entries, what the templates become, and the entries' files."""
    groups = []
    for package, chosen in ENTRIES.get(name, {}).items():
        files = {
            entry: imports.path_of(f"mer.{package}.{entry}") for entry in registry.names(package)
        }
        if chosen == EVERY:
            groups.append([({}, list(files.values()))])
        else:
            groups.append([({chosen: entry}, [file]) for entry, file in files.items()])
    also = [imports.path_of(module) for module in ALSO.get(name, ())]
    return [
        (
            {k: v for values, _ in combination for k, v in values.items()},
            [file for _, files in combination for file in files] + also,
        )
        for combination in product(*groups)
    ]


@cache
def data_files(path: Path) -> set[Path]:
    """The data files of the package that a module names."""
    nodes = ast.walk(imports.tree(path))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return {file for name, file in DATA_FILES.items() if name in texts}


def needed(name: str, entries: list[Path]) -> set[Path]:
    """The files of the package that decide what a stage does."""
    modules = imports.reached(script(STAGES[name]), *entries) | set(entries)
    named = {file for module in modules for file in data_files(module)} - UNREAD.get(name, set())
    return {module for module in modules if not imports.is_docstring(module)} | named


def declared(name: str, values: dict[str, str]) -> list[Path]:
    """A stage's dependencies below ``src``, the templates filled in."""
    found = []
    for dep in STAGES[name]["deps"]:
        for template, value in values.items():
            dep = dep.replace(template, value)
        found += [ROOT / dep] if dep.startswith("src/") else []
    return found


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_every_module_that_it_imports(name):
    if STAGES[name].get("always_changed"):
        pytest.skip("it runs whatever has changed")
    for values, entries in compositions(name):
        deps = declared(name, values)
        missing = [
            path.relative_to(ROOT).as_posix()
            for path in sorted(needed(name, entries))
            if not any(path.is_relative_to(dep) for dep in deps)
        ]
        assert not missing, values


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_its_script(name):
    assert script(STAGES[name]).relative_to(ROOT).as_posix() in STAGES[name]["deps"]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_nothing_that_it_does_not_import(name):
    """A folder counts as imported where any of its modules is."""
    used = set().union(*(needed(name, entries) for _, entries in compositions(name)))
    for values, _ in compositions(name):
        for dep in declared(name, values):
            assert "${" in str(dep) or any(path.is_relative_to(dep) for path in used), dep


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_stage_is_not_stale_for_what_cannot_change_its_result(name):
    folders = [ROOT / "src/mer" / folder for folder in FORBIDDEN[name]]
    wrong = [dep for dep in declared(name, {}) if any(f.is_relative_to(dep) for f in folders)]
    assert not wrong
