"""The published figures of a run: the cells of published tables that are of the same system."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mer import config
from mer.reproduction.spec import Experiment, Papers, Table
from mer.schema import Block

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


def _is_of(experiment: Experiment, run: Mapping[str, Any], params: Block) -> bool:
    """Whether an experiment is of the system of a run, whatever its profile and seed."""
    words = experiment.settings.split()
    return (
        all(run[key] == getattr(experiment, key) for key in SAME)
        and all(run[key] in (getattr(experiment, key), "none") for key in UNREAD)
        and config.columns(words).used == run.get("columns", {})
        and config.with_values(params, config.settings(words)) == params
    )


def _number_of_settings(experiment: Experiment) -> int:
    """Number of the parameters of the model that an experiment sets."""
    return len(config.settings(experiment.settings.split()))


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


def figures(papers: Papers, run: Mapping[str, Any], params: Block) -> list[Figure]:
    """The published figures of the system of a run.

    An experiment of a paper that sets parameters of the model is of that system where the run has their
    values; those that set fewer are then of another one. Other parameters are not compared, as the papers
    do not name all of theirs.

    Parameters
    ----------
    run : mapping
        The content of ``metrics/run.json``: the selectors and the scores.
    params : the ``Params`` of the model of the run
    """
    candidates = {**papers.experiments, **papers.pretrained}
    same = {
        key: _number_of_settings(experiment)
        for key, experiment in candidates.items()
        if _is_of(experiment, run, params)
    }
    return [
        figure
        for key, count in same.items()
        if count == max(same.values())
        for table in papers.tables.values()
        for figure in _cells(table, key, run, papers.papers[table.paper].title)
    ]
