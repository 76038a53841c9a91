"""DVC's files for the papers: they must list every table, and every input of the experiments."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mer.errors import MerError
from mer.io import yaml_files
from mer.reproduction.spec import PAPERS, PARTS, Cross, Experiment, Papers, Setting, Statistic

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
    for paper in papers.papers:
        if not (file := folder / paper / "dvc.yaml").is_file():
            raise MerError(f"{file} must be there; run `make format`, which writes it")
        paper_file = folder / paper / "paper.yaml"
        for block in PARTS.keys() - yaml_files.load(paper_file).keys():
            raise MerError(f"{paper_file} must have {block!r}, for DVC; add `{block}: {{}}`")
        if (name := f"{paper}/paper.yaml:tables") not in tables:
            raise MerError(f"{folder / 'dvc.yaml'}: vars must list {name!r}; add it")
    file = folder / "corpora" / "dvc.yaml"
    listed = _listed(yaml_files.load(file)["stages"])
    for block in PARTS:
        for key, found in getattr(papers, block).items():
            for stage, item in _inputs(found):
                if item not in listed[stage]:
                    raise MerError(
                        f"{file}: stages.{stage} must list {item!r}, which {block}.{key} of "
                        f"papers/{found.paper}/paper.yaml reads; add it"
                    )


def _listed(stages: dict[str, Any]) -> dict[str, set[str]]:
    """The corpora of ``index``, and the keys of the stages whose items stand under ``foreach``."""
    keys = {name: {*stages[name]["foreach"]} for name in ("mel", "augment")}
    cut = {*stages["split_clips"]["foreach"]}
    joined = {*stages["join_features"]["foreach"]}
    return {
        **keys,
        "features": {*stages["features"]["foreach"]} | joined,
        "index": {*stages["index"]["matrix"]["dataset"]} | cut,
    }


def _inputs(found: Statistic) -> Iterator[tuple[str, str]]:
    """The stages that prepare the inputs of an experiment, and the item of each."""
    corpora = [found.dataset, *([found.source] if isinstance(found, Cross) else [])]
    for corpus in (f"{MINIATURE}{name}" for name in corpora):
        yield "index", corpus
        if isinstance(found, Setting | Experiment) and found.view != "none":
            yield "mel", f"{found.view}-{corpus}"
        if isinstance(found, Experiment) and found.family != "none":
            yield "features", f"{found.family}-{corpus}"
        if isinstance(found, Experiment) and found.augmented != "none/none":
            yield "augment", f"{found.augmented.replace('/', '-')}-{corpus}"
