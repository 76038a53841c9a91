"""The published figures of a run: the cells of published tables that are of the same system."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mer import config
from mer.reproduction.spec import Experiment, Papers, Table

SAME = ("model", "dataset", "target", "augment", "protocol", "fidelity")
UNREAD = ("view", "family")  # ``none`` in a run of a model that does not read it


class Figure(NamedTuple):
    """A published figure beside that of a run.

    Attributes
    ----------
    paper, table, row, column : titles
    score : name of the score
    published, ours : float, or None where the run has no such score
    note : differences from the paper, or None
    """

    paper: str
    table: str
    row: str
    column: str
    score: str
    published: float
    ours: float | None
    note: str | None


def _is_of(experiment: Experiment, run: Mapping[str, Any]) -> bool:
    """Whether an experiment is of the system of a run, whatever its profile and seed."""
    words = experiment.settings.split()
    columns = config.columns(words).used
    changed = {f"models.{experiment.model}.{k}": v for k, v in config.settings(words).items()}
    return (
        all(run[key] == getattr(experiment, key) for key in SAME)
        and all(run[key] in (getattr(experiment, key), "none") for key in UNREAD)
        and columns == run.get("columns", {})
        and run.get("changed", {}) is not None  # known, as there is a Git repository
        and changed == {k: v for k, v in run.get("changed", {}).items() if k != "seed"}
    )


def _cells(table: Table, key: str, run: Mapping[str, Any], paper: str) -> list[Figure]:
    """The published figures of the cells of a table that belong to an experiment."""
    return [
        Figure(
            paper,
            table.title,
            row.title,
            table.columns[column].title,
            metric,
            found,
            run.get(table.name(metric, name, column)),
            row.note,
        )
        for name, row in table.rows.items()
        for metric, figures in row.published.items()
        for column, found in figures.items()
        if table.key(name, column) == key
    ]


def figures(papers: Papers, run: Mapping[str, Any]) -> list[Figure]:
    """The published figures of the system of a run.

    Parameters
    ----------
    run : mapping
        The content of ``metrics/run.json``: the selectors and the scores.
    """
    candidates = {**papers.experiments, **papers.pretrained}
    return [
        figure
        for key, experiment in candidates.items()
        if _is_of(experiment, run)
        for table in papers.tables.values()
        for figure in _cells(table, key, run, papers.papers[table.paper].title)
    ]
