"""Comparison of a published table with our results: JSON for DVC, Markdown and HTML for readers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mer.io.artefacts import write_json, write_text, writing
from mer.metrics import DIGITS, corrected_t_test, paired_t_test
from mer.reproduction.results import Results, deviation, is_uncommitted, results
from mer.reproduction.spec import Papers, Table
from mer.types import MINIATURE

Cell = dict[str, Any]
UNCOMMITTED = "run from uncommitted code"
SAME = ("dataset", "target", "protocol", "seed", "n_clips", "n_folds")


def cells(table: Table, find: Callable[[str], Results]) -> dict[str, dict[str, Cell]]:
    """All cells: ``{row: {column: {<metric>, <metric>_sd, …, n_clips, n_folds, n_rounds}}}``.

    ``<metric>`` is the figure of the real corpus under the whole protocol. Its suffixes are ``_sd``, the
    standard deviation over folds and restarts; ``_low`` and ``_high``, the 95 % interval over clips;
    ``_p``, the p value of the corrected paired test against the reference row; ``_p_paired``, that of
    Student's paired test; and ``_published``, the figure of the paper. ``absent`` names a missing input,
    ``n_rounds`` is the number of restarts, ``changed`` the parameters that differ from the committed ones,
    and ``uncommitted`` marks a run of code that is not in its commit. Figures of a miniature or of a
    shorter profile have the prefix ``demo_`` or the name of the profile.

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
        published = table.rows[row].published.get(metric, {})
        if column in published:
            cell[f"{metric}_published"] = published[column]
        name = table.name(metric, row, column)
        for prefix, facts in found.items():
            for part in ("", "_sd", "_low", "_high"):
                if f"{name}{part}" in facts:
                    cell[f"{prefix}{metric}{part}"] = facts[f"{name}{part}"]
            if table.folds and "folds" in facts:
                cell[f"{prefix}{metric}_folds"] = _by_fold(facts, name)
        if (against := table.rows[row].reference or table.reference) and "" in found:
            reference = find(table.key(against, column)).get("", {})
            for test, p in _p(found[""], reference, name).items():
                cell[f"{metric}_{test}"] = p
    for prefix, facts in found.items():
        shown = ["n_clips", "n_folds", "n_rounds", "absent"] + ["device"] * table.timed
        cell |= {f"{prefix}{n}": facts[n] for n in shown if n in facts}
        if changed := deviation(facts):
            cell[f"{prefix}changed"] = changed
        if prefix != MINIATURE and is_uncommitted(facts):
            cell[f"{prefix}uncommitted"] = True
    return cell


def _by_fold(facts: dict[str, Any], name: str) -> list[float]:
    """A figure of each fold, averaged over restarts."""
    rounds = np.reshape(facts["folds"][name], (facts.get("n_rounds", 1), -1))
    return [round(float(mean), DIGITS) for mean in rounds.mean(0)]


def _p(ours: dict[str, Any], theirs: dict[str, Any], name: str) -> dict[str, float]:
    """p values of the paired tests; empty if the systems were not scored on the same folds."""
    folds = [facts.get("folds", {}) for facts in (ours, theirs)]
    if ours == theirs or any(name not in f for f in folds):
        return {}
    if any(ours[fact] != theirs[fact] for fact in SAME):
        return {}
    scores, rounds = (folds[0][name], folds[1][name]), ours.get("n_rounds", 1)
    found = {
        "p": corrected_t_test(*scores, ours["test_per_train"], rounds),
        "p_paired": paired_t_test(*scores, rounds),
    }
    return {test: round(p, DIGITS) for test, p in found.items() if p is not None}


def _lines(
    papers: Papers, table: Table, found: dict[str, dict[str, Cell]]
) -> Iterator[dict[str, Any]]:
    """The readable table: one line per column, row and metric."""
    for column in table.columns:
        for row in table.rows:
            key = table.key(row, column)
            experiment = papers.find(key)
            for metric in table.metrics:
                yield {
                    "column": column,
                    "row": row,
                    "metric": metric,
                    "corpus": experiment.dataset if experiment else "",
                    "protocol": getattr(experiment, "protocol", ""),
                    **_figures(found[row][column], metric),
                    "note": _note(table, row, found[row][column])
                    if experiment
                    else table.why(row, column),
                }


def _note(table: Table, row: str, cell: Cell) -> str:
    """The missing input of the cell, the differences from the paper, and that the code is not committed."""
    reasons = dict.fromkeys(cell[key] for key in cell if key.endswith("absent"))
    if any(key.endswith("uncommitted") for key in cell):
        reasons[UNCOMMITTED] = None
    return "; ".join([*reasons, *filter(None, [table.rows[row].note])])


def _figures(cell: Cell, metric: str) -> dict[str, str]:
    """The printed figures of one metric in one cell."""
    shown = {"published": _number(cell.get(f"{metric}_published"))}
    shown["ours"] = _with_deviation(cell, metric)
    both = metric in cell and f"{metric}_published" in cell
    difference = cell[metric] - cell[f"{metric}_published"] if both else None
    shown["difference"] = _number(difference, sign="+")
    bounds = [_number(cell.get(f"{metric}_{bound}")) for bound in ("low", "high")]
    shown["interval"] = "–".join(filter(None, bounds))
    shown |= {test: _number(cell.get(f"{metric}_{test}")) for test in ("p", "p_paired")}
    shown["n"] = _counts(cell)
    others = [key.removesuffix(metric) for key in cell if key.endswith(f"_{metric}")]
    shown["less"] = "; ".join(_less(cell, prefix, metric) for prefix in others)
    return shown


def _less(cell: Cell, prefix: str, metric: str) -> str:
    """A figure that is not comparable, with its profile, and with the parameters that were changed."""
    figure = f"{prefix.strip('_')} {_with_deviation(cell, prefix + metric)}"
    changed = cell.get(f"{prefix}changed")
    return f"{figure} ({changed})" if changed else figure


def _counts(cell: Cell) -> str:
    """Number of clips, of folds, and of restarts if there are several."""
    rounds = cell.get("n_rounds", 1)
    folds = cell["n_folds"] // rounds if "n_folds" in cell else None
    counts = (cell.get("n_clips"), folds, rounds if rounds > 1 else None)
    return " / ".join(str(count) for count in counts if count is not None)


def _number(value: float | None, sign: str = "") -> str:
    if value is None:
        return ""
    small = isinstance(value, int) or 0 < abs(value) < 10**-DIGITS
    return f"{value:{sign}}" if small else f"{value:{sign}.4f}"


def _with_deviation(cell: Cell, name: str) -> str:
    parts = [_number(cell.get(key)) for key in (name, f"{name}_sd")]
    return " ± ".join(filter(None, parts))


HEADINGS = {
    "row": "system",
    "metric": "metric",
    "published": "published",
    "ours": "ours ± sd over folds and rounds",
    "difference": "difference",
    "interval": "95 % interval over clips",
    "p": "p",
    "p_paired": "p, Student",
    "n": "clips / folds / rounds",
    "corpus": "corpus",
    "protocol": "our protocol",
    "less": "not comparable",
    "note": "note",
}


def _markdown(context: dict[str, Any]) -> str:
    """GitHub's Markdown: a heading per column, a table of its rows."""
    table = context["table"]
    text = [f"# {table.title}", f"{context['paper'].title} ({context['paper'].authors})."]
    text += [f"Published under: {table.protocol}.", context["legend"]]
    for column, spec in table.columns.items():
        lines = [line for line in context["lines"] if line["column"] == column]
        rows = [list(HEADINGS.values()), ["---"] * len(HEADINGS)]
        rows += [[line[h] or "" for h in HEADINGS] for line in lines]
        text += [f"## {spec.title}", "\n".join(f"| {' | '.join(row)} |" for row in rows)]
    return "\n\n".join(text) + "\n"


def _html(context: dict[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("table.html").render(context)


def _legend(table: Table) -> str:
    against = {row.reference or table.reference for row in table.rows.values()} - {None}
    tested = (
        f" p: corrected resampled t-test against {' or '.join(sorted(filter(None, against)))}; beside "
        "it Student's, which takes folds for independent."
        if against
        else ""
    )
    return (
        "Ours: the real corpus under the whole protocol. Rounds: trainings of the same fold from other "
        "seeds; of a single split, the deviation is over these alone, and 0 of one round."
        + tested
        + " Not comparable: figures of a rendered miniature (demo), which prove that the experiment "
        "runs, of a shorter profile, or of changed parameters, which are named."
    )


def write(papers: Papers, name: str, metrics: Path, folder: Path) -> None:
    """Write ``metrics/tables/<name>.json``, and ``table.md`` and ``table.html`` in ``folder``.

    Parameters
    ----------
    name : str
        Key of ``tables``.
    """
    table = papers.tables[name]
    found = cells(table, lambda key: results(table.paper, key))
    context = {
        "table": table,
        "paper": papers.papers[table.paper],
        "legend": _legend(table),
        "headings": HEADINGS,
        "lines": list(_lines(papers, table, found)),
    }
    write_json(metrics, found)
    with writing(folder) as target:
        write_text(target / "table.md", _markdown(context))
        write_text(target / "table.html", _html(context))
