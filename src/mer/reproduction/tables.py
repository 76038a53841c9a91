"""Comparison of a published table with our results: JSON for DVC, and files for readers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mer.errors import MerError
from mer.io.files import write_json
from mer.metrics import DIGITS
from mer.reproduction.pairing import paired_tests
from mer.reproduction.results import (
    Results,
    changed_parameters,
    is_uncommitted,
    results,
    share_of_protocol,
)
from mer.reproduction.spec import Papers, Table
from mer.reproduction.table_files import write_files
from mer.types import MINIATURE

Cell = dict[str, Any]


def cells(table: Table, find: Callable[[str], Results]) -> dict[str, dict[str, Cell]]:
    """All cells: ``{row: {column: {<metric>, <metric>_sd, …, n_clips, n_folds, n_restarts}}}``.

    ``<metric>`` is the figure of the real corpus under the whole protocol. Its suffixes are ``_sd``, the
    standard deviation over folds and restarts, of two trainings or more; ``_low`` and ``_high``, the 95 %
    interval over clips; ``_p``, the p value of the corrected paired test by reference row; ``_p_student``,
    that of Student's paired test; and ``_published`` and ``_published_sd``, the figures of the paper.
    ``absent`` names a missing input, ``n_restarts`` is the number of restarts, ``changed`` the parameters
    that differ from the committed ones, and ``uncommitted`` marks a run of code that is not in its commit.
    Figures of a miniature or of a shorter profile have the prefix ``demo_`` or the name of the profile.

    Parameters
    ----------
    find : callable
        Key of an experiment -> its results; see ``mer.reproduction.results.results``.
    """
    return {
        row: {column: _cell(table, row, column, find) for column in table.columns}
        for row in table.rows
    }


def _cell(table: Table, row: str, column: str, find: Callable[[str], Results]) -> Cell:
    cell: Cell = {}
    found = find(table.key(row, column))
    for metric in table.metrics:
        for suffix in ("published", "published_sd"):
            published = getattr(table.rows[row], suffix).get(metric, {})
            if column in published:
                cell[f"{metric}_{suffix}"] = published[column]
        name = table.name(metric, row, column)
        for prefix, facts in found.items():
            if "n_folds" in facts and name not in facts and not table.timed:
                raise _no_figure(table, row, column, metric, facts)
            deviation = ["_sd"] if facts.get("n_folds", 1) > 1 else []
            for part in ("", *deviation, "_low", "_high"):
                if f"{name}{part}" in facts:
                    cell[f"{prefix}{metric}{part}"] = facts[f"{name}{part}"]
            if table.folds and name in facts.get("folds", {}):
                cell[f"{prefix}{metric}_folds"] = _by_fold(facts, name)
        for against in table.references(row):
            theirs = find(table.key(against, column)).get("", {})
            for test, p in paired_tests(found.get("", {}), theirs, name).items():
                cell.setdefault(f"{metric}_{test}", {})[against] = p
    for prefix, facts in found.items():
        shown = ["n_clips", "n_folds", "n_restarts", "absent"] + ["device"] * table.timed
        cell |= {f"{prefix}{n}": facts[n] for n in shown if n in facts}
        if changed := changed_parameters(facts):
            cell[f"{prefix}changed"] = changed
        if prefix != MINIATURE and (share := share_of_protocol(facts)):
            cell[f"{prefix}extent"] = share
        if prefix != MINIATURE and is_uncommitted(facts):
            cell[f"{prefix}uncommitted"] = True
    return cell


def _no_figure(table: Table, row: str, column: str, metric: str, facts: dict[str, Any]) -> MerError:
    """The error of a metric that the results of a cell do not have."""
    scores = sorted(name for name, value in facts.items() if isinstance(value, float))
    return MerError(
        f"papers/{table.paper}/paper.yaml: the metric {metric!r} of the cell {row!r}, {column!r} must be a "
        f"figure of {table.key(row, column)!r}, and it has no {table.name(metric, row, column)!r}; choose "
        f"one of {scores}"
    )


def _by_fold(facts: dict[str, Any], name: str) -> list[float]:
    """A figure of each fold, averaged over restarts."""
    restarts = np.reshape(facts["folds"][name], (facts.get("n_restarts", 1), -1))
    return [round(float(mean), DIGITS) for mean in restarts.mean(0)]


def write(papers: Papers, name: str, metrics: Path, folder: Path) -> None:
    """Write ``metrics/tables/<name>.json``, and the table for readers in ``folder``.

    Parameters
    ----------
    name : str
        Key of ``tables``.
    """
    table = papers.tables[name]
    found = cells(table, lambda key: results(table.paper, key))
    write_json(metrics, found)
    write_files(papers, table, found, folder)
