"""A stage depends on the list of the files that its script runs, and the lists are right.

Otherwise DVC would call a result up to date that was computed with other code.
"""

import re

import pytest
import yaml

from conftest import ROOT
from mer import registry
from mer.pipeline import sources

PIPELINES = (
    "dvc.yaml",
    "data/dvc.yaml",
    "papers/corpora/dvc.yaml",
    "papers/dvc.yaml",
    "papers/experiments.yaml",
    "papers/pretrained/dvc.yaml",
)
# Nothing of these decides the results of these scripts.
FORBIDDEN = {
    "train": ("cli", "report", "reproduction", "inference", "models/cnn.py"),
    "experiment": ("cli", "report", "reproduction", "inference", "models/cnn.py"),
    "evaluate": ("cli", "report", "reproduction", "inference", "models", "features", "learn"),
    "mel": ("cli", "report", "reproduction", "inference", "models", "features", "learn"),
    "features": (
        "cli",
        "report",
        "reproduction",
        "inference",
        "models",
        "learn",
        "features/top100",
    ),
    "augment": ("cli", "report", "reproduction", "inference", "models", "features", "learn"),
}
NEEDED = {
    "train": ("learn/trainers/hybrid.py", "models/svm.py", "features/panda1714/catalogue.csv"),
    "features": ("features/compare/__init__.py", "pipeline/features.py"),
    "validate": ("features/compare/__init__.py", "models/cnn.py", "augment/time_shift.py"),
    "render": ("pipeline/demo/writers/folder.py",),
    "table": ("reproduction/table.html", "runtime/processes.py"),
}
SELECTED = {"train": "svm", "experiment": "svm", "features": "compare"}


def stages() -> dict[str, dict]:
    """Every stage by pipeline and name, a group's as each member is written."""
    found = {}
    for pipeline in PIPELINES:
        content = yaml.safe_load((ROOT / pipeline).read_text(encoding="utf-8"))
        for name, stage in content["stages"].items():
            found[f"{pipeline}:{name}"] = stage.get("do", stage)
    return found


STAGES = stages()
LOCKS = [ROOT / "dvc.lock", ROOT / "data/dvc.lock", *sorted(ROOT.glob("papers/**/dvc.lock"))]
LISTED = [name for name in STAGES if not name.endswith(":sources")]


def files(script: str) -> set[str]:
    found = sources.files(script, SELECTED.get(script))
    return {path.relative_to(ROOT).as_posix().removeprefix("src/mer/") for path in found}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    target = tmp_path_factory.mktemp("data") / "sources"
    sources.write(target)
    return target


def test_the_report_depends_on_the_published_figures_of_each_paper():
    """File by file: a folder has other files when `mer papers` shows its pipelines to DVC."""
    expected = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("papers/*/paper.yaml")}
    assert {
        dep for dep in STAGES["dvc.yaml:report"]["deps"] if dep.startswith("papers")
    } == expected


def test_a_stage_was_run_on_what_the_stage_before_it_has_left():
    """As the locks say: none was left out when the stages before it were run again."""
    locked = (yaml.load(lock.read_text(), yaml.CSafeLoader) for lock in LOCKS)
    stages = [entry for content in locked for entry in content["stages"].items()]
    made = {out["path"]: out["md5"] for _, stage in stages for out in stage.get("outs", ())}
    stale = {
        f"{name}: {read['path']}"
        for name, stage in stages
        for read in stage.get("deps", ())
        if made.get(read["path"], read["md5"]) != read["md5"]
    }
    assert not stale


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_a_lock_has_no_stage_that_is_gone(lock):
    """A stage that is renamed leaves its entries, which nothing removes."""
    locked, written = (
        yaml.safe_load(path.read_text(encoding="utf-8"))["stages"]
        for path in (lock, lock.with_suffix(".yaml"))
    )
    assert {name.partition("@")[0] for name in locked} <= written.keys()


@pytest.mark.parametrize("name", LISTED)
def test_a_stage_depends_on_the_list_of_its_script(name, written):
    stage = STAGES[name]
    script = re.search(r"stages/(\w+)\.py", stage["cmd"])[1]
    (dep,) = (dep for dep in stage["deps"] if dep.startswith("data/sources/"))
    chosen = re.fullmatch(
        rf"data/sources/{script}(?:-\$\{{(?:item\.)?(model|family)\}})?\.txt", dep
    )
    assert chosen, dep
    package = {"model": "models", "family": "features"}.get(chosen[1])
    assert package == sources.SELECTED.get(script)
    for entry in registry.names(package) if package else [""]:
        path = written / dep.removeprefix("data/sources/")
        assert path.with_name(re.sub(r"\$\{.*\}", entry, path.name)).is_file()


@pytest.mark.parametrize("name", LISTED)
def test_no_list_of_modules_is_kept_by_hand(name):
    assert not [dep for dep in STAGES[name]["deps"] if dep.startswith(("src", "stages"))]


@pytest.mark.parametrize("script", NEEDED)
def test_a_list_has_what_decides_the_result(script):
    assert {*NEEDED[script], f"stages/{script}.py"} <= files(script)


@pytest.mark.parametrize("script", FORBIDDEN)
def test_a_stage_is_not_stale_for_what_cannot_change_its_result(script):
    assert not [file for file in files(script) if file.startswith(FORBIDDEN[script])]


def test_a_list_changes_with_a_file_that_it_names(tmp_path, monkeypatch):
    module = tmp_path / "src/mer/a.py"
    module.parent.mkdir(parents=True)
    monkeypatch.setattr(sources.imports, "SRC", tmp_path / "src")
    lines = []
    for text in ("x = 1\n", "x = 2\n"):
        module.write_text(text)
        sources._line.cache_clear()
        lines.append(sources._line(module))
    assert lines[0] != lines[1]
    assert all(line.endswith(" src/mer/a.py\n") for line in lines)
