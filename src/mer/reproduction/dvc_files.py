"""DVC's files for the papers: they must list every table, and every input of the experiments."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mer.errors import MerError
from mer.io import yaml_files
from mer.reproduction.spec import (
    PAPERS,
    STAGE_OF_BLOCK,
    CellSource,
    Cross,
    Experiment,
    Papers,
    Setting,
)

MINIATURE = "${miniature}"  # as these files write it


def check(papers: Papers, folder: Path = PAPERS) -> None:
    """Refuse papers that DVC would not run.

    Parameters
    ----------
    folder : Path
        The folder ``papers``.

    Raises
    ------
    MerError
        Naming the file, what it must list, and what needs it.
    """
    tables = yaml_files.load(folder / "dvc.yaml")["vars"]
    stages = (folder / "experiments.yaml").read_bytes()
    for paper in papers.papers:
        file = folder / paper / "dvc.yaml"
        if not file.is_file() or file.read_bytes() != stages:
            raise MerError(
                f"{file} must be a copy of {folder / 'experiments.yaml'}; run `make format` to make one"
            )
        paper_file = folder / paper / "paper.yaml"
        for block in STAGE_OF_BLOCK.keys() - yaml_files.load(paper_file).keys():
            raise MerError(f"{paper_file} must have {block!r}, for DVC; add `{block}: {{}}`")
        if (name := f"{paper}/paper.yaml:tables") not in tables:
            raise MerError(f"{folder / 'dvc.yaml'}: vars must list {name!r}; add it")
    _check_inputs(papers, folder / "corpora" / "dvc.yaml")
    _check_report(papers, folder.parent / "dvc.yaml")


def _check_report(papers: Papers, file: Path) -> None:
    """The report, which shows published figures, depends on the file of every paper."""
    deps = yaml_files.load(file)["stages"]["report"]["deps"]
    for paper in papers.papers:
        if (dep := f"papers/{paper}/paper.yaml") not in deps:
            raise MerError(f"{file}: deps of the stage report must have {dep!r}; add it")


def _check_inputs(papers: Papers, file: Path) -> None:
    """Every input of an experiment is an item of the stage that makes it."""
    stages = yaml_files.load(file)["stages"]
    listed, nothing = _listed(stages), stages["nothing"]["cmd"].split()
    for block in STAGE_OF_BLOCK:
        for key, found in getattr(papers, block).items():
            for stage, item in _inputs(found):
                if item not in listed[stage]:
                    raise MerError(
                        f"{file}: stages.{stage} must list {item!r}, which {block}.{key} of "
                        f"papers/{found.paper}/paper.yaml reads; add it"
                    )
                if stage == "nothing" and (corpus := item.rpartition("/")[2]) not in nothing:
                    raise MerError(
                        f"{file}: stages.nothing.cmd must name {corpus!r}, as its outs do; add it"
                    )


def _listed(stages: dict[str, Any]) -> dict[str, set[str]]:
    """The items of each stage; those of a stage that makes the same artefacts otherwise are among them."""
    keys = {name: {*block["foreach"]} for name, block in stages.items() if "foreach" in block}
    corpora = {
        name: {*stages[name]["matrix"]["dataset"]} for name in ("index", "standardize", "folds")
    }
    return {
        **keys,
        "features": keys["features"] | keys["join_features"],
        "index": corpora["index"] | keys["split_clips"],
        "standardize": corpora["standardize"] | keys["split_clips"],
        "folds": corpora["folds"] | keys["split_folds"],
        "nothing": {*stages["nothing"]["outs"]},
    }


def _inputs(found: CellSource) -> Iterator[tuple[str, str]]:
    """The stages that prepare the inputs of an experiment, and the item of each."""
    corpora = [found.dataset, *([found.source] if isinstance(found, Cross) else [])]
    for corpus in (f"{MINIATURE}{name}" for name in corpora):
        yield "index", corpus
        if isinstance(found, Setting | Experiment):
            yield "standardize", corpus
            yield _or_nothing("mel", found.view, corpus)
        if isinstance(found, Experiment):
            yield "folds", corpus
            yield _or_nothing("features", found.family, corpus)
            yield _or_nothing("augment", found.augmented, corpus)


def _or_nothing(stage: str, chosen: str, corpus: str) -> tuple[str, str]:
    """The item of a stage, or the output of ``nothing`` that stands for an input that is not read."""
    if chosen not in ("none", "none/none"):
        return stage, f"{chosen.replace('/', '-')}-{corpus}"
    folder = {"augment": "augmented"}.get(stage, stage)
    return "nothing", f"data/{folder}/{chosen}/{corpus}"
