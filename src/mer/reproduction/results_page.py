"""docs/results.md, and the results in README.md, written from the ledger of experiments."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mer import config
from mer.errors import MerError
from mer.reproduction.results import changed_parameters, folds, real, results
from mer.reproduction.spec import Papers, Table
from mer.reproduction.table_files import markdown_rows, protocol_line, published_text
from mer.schema.profiles import WHOLE
from mer.types import FOLDS_AND_REPEATS, MINIATURE

PAGE, README = Path("docs/results.md"), Path("README.md")
START, END = "<!-- results: written by stages/results_page.py -->", "<!-- /results -->"
HEADLINES = (
    ("louro_improving_table1", "svm", "4qaed", "f1_macro"),
    ("louro_improving_grouped", "svm", "4qaed_grouped", "f1_macro"),
    ("beyond_best", "musicnn_tuned", "4qaed_grouped", "f1_macro"),
    ("louro_improving_table1", "cnn", "4qaed", "f1_macro"),
    ("louro_improving_grouped", "cnn", "4qaed_grouped", "f1_macro"),
    ("louro_improving_table1", "hybrid", "4qaed", "f1_macro"),
    ("louro_improving_grouped", "hybrid", "4qaed_grouped", "f1_macro"),
    ("beyond_values", "ridge_musicnn", "arousal_value", "ccc"),
    ("beyond_values", "ridge_musicnn", "valence_value", "ccc"),
)
NOT_IN_HEADLINES = ("target", "protocol", "clips", "restarts", "epochs", "commit", "key")
ARTISTS = {True: "shared", False: "apart", None: "unknown"}  # of the fact ``shares_artists``
QUADRANT = "quadrant"  # the target of most tables
INTRODUCTION = """# Results

`python stages/results_page.py` writes this page from `metrics/experiments`; edit neither by hand. It lists
every result that was measured on a real corpus. Results of the rendered demo corpora prove that an
experiment runs and say nothing about music, so they are not here.

- **Score** is the mean over the test folds ± the standard deviation over folds and restarts. Scores of
  classes lie in 0..1; of values, `ccc` is Lin's concordance correlation and `r2` the coefficient of
  determination, both at most 1.
- **Target** is what is predicted, where it is not the quadrant.
- **Interval** is a 95 % interval over clips (bootstrap): how far the score would move with other clips. How
  far a network's score moves with its seed is not in it; see [Evaluation](evaluation.md#training-noise).
- **Published** is the paper's figure, under the protocol that the section names. Why some of ours differ:
  [Reproducing](reproducing.md#scores-that-differ-from-the-published-ones).
- **Folds** are those that were run. With fewer folds than one repeat of the protocol has, or with trainings
  that were ended early, a score is not comparable with the published one.
- **Changed** names the parameters that differ from those of the commit.
- **Commit** is that of the run's code; "-dirty" after it says that the code had changes that are not in it.
  `git log <commit>..` lists what was changed since. Compare networks of one commit, or run them again.
- **Artists** tells whether an artist's songs may be in the training and the test part of a fold. Most
  scores are higher where they may. A corpus that names no artists has "unknown". EMOPIA names the source
  song of a clip, not its artist.

The commands need the corpus in `data/raw`; see [Corpora](corpora.md).
"""


class Line(NamedTuple):
    """A measured score as it is printed; its fields are the headings."""

    system: str
    corpus: str
    target: str
    protocol: str
    artists: str
    clips: str
    folds: str
    restarts: str
    epochs: str
    changed: str
    metric: str
    score: str
    interval: str
    published: str
    commit: str
    key: str


class Measured(NamedTuple):
    """A cell of a table that was measured on a real corpus: where it stands, its key and results."""

    row: str
    column: str
    key: str
    facts: dict[str, Any]


def _measured(table: Table) -> Iterator[Measured]:
    for column in table.columns:
        for row in table.rows:
            key = table.key(row, column)
            for prefix, facts in results(table.paper, key).items():
                if prefix != MINIATURE and "absent" not in facts:
                    yield Measured(row, column, key, facts)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _score(facts: dict[str, Any], name: str) -> tuple[str, str]:
    """Score ± standard deviation (of more than one training), and the interval over clips."""
    parts = [_number(facts[name])]
    if facts["n_folds"] > 1:
        parts.append(_number(facts.get(f"{name}_sd")))
    bounds = (_number(facts.get(f"{name}_{bound}")) for bound in ("low", "high"))
    return " ± ".join(filter(None, parts)), "–".join(filter(None, bounds))


def _epochs(facts: dict[str, Any]) -> str:
    """Mean number of epochs of each phase of training, where the record of the run has it."""
    phases = {k.removesuffix("_epochs"): v for k, v in facts.items() if k.endswith("_epochs")}
    shown = [
        f"{name} {value:g}" for name, value in phases.items() if name not in ("max", "encoding")
    ]
    return ", ".join(shown)


def _published(table: Table, metric: str, row: str, column: str) -> str:
    figure = table.rows[row].published.get(metric, {}).get(column)
    return published_text(table, metric, figure)


def _lines(table: Table, found: Measured) -> Iterator[Line]:
    """One line per metric of the table."""
    facts, restarts = found.facts, found.facts.get("n_restarts", 1)
    for metric in table.metrics:
        name = table.name(metric, found.row, found.column)
        if name in facts:
            score, interval = _score(facts, name)
            yield Line(
                system=table.rows[found.row].title,
                corpus=facts["dataset"],
                target="" if facts["target"] == QUADRANT else facts["target"],
                protocol=facts["protocol"],
                artists=ARTISTS[facts["shares_artists"]],
                clips=str(facts["n_clips"]),
                folds=str(folds(facts)),
                restarts=str(restarts),
                epochs=_epochs(facts),
                changed=changed_parameters(facts),
                metric=metric,
                score=score,
                interval=interval,
                published=_published(table, metric, found.row, found.column),
                commit=facts.get("commit", ""),
                key=f"`{found.key}`",
            )


def command(papers: Papers, key: str, facts: dict[str, Any]) -> str:
    """The command that makes an experiment's results again, under the profile they were made with.

    Parameters
    ----------
    facts : dict
        Results of the experiment; see ``mer.reproduction.results.results``.
    """
    profile = facts["profile"]
    settings = {"miniature": "", "papers_profile": profile}
    if profile != WHOLE and folds(facts) < FOLDS_AND_REPEATS.get(facts["protocol"], (1, 1))[0]:
        settings[f"profiles.{profile}.max_folds"] = folds(facts)
    if "max_epochs" in facts:
        settings[f"profiles.{profile}.max_epochs"] = facts["max_epochs"]
    words = config.options(settings | (facts.get("changed") or {}))
    return f"mer papers exp run {words} {papers.stages[key]}"


def _printed(table: Table) -> str:
    """The published table: a line per row and metric, a column per column."""
    rows = [
        [table.rows[row].title, metric, *(_published(table, metric, row, c) for c in table.columns)]
        for row in table.rows
        for metric in table.metrics
        if metric in table.rows[row].published
    ]
    titles = (column.title for column in table.columns.values())
    return markdown_rows([("system", "metric", *titles), *rows]) if rows else ""


def _filled(lines: list[Line], left_out: Sequence[str] = (), empty: str = "") -> str:
    """The lines without the columns that are left out, or empty in every line."""
    named = [heading for heading in Line._fields if heading not in left_out]
    kept = [heading for heading in named if any(getattr(line, heading) for line in lines)]
    rows = [[getattr(line, heading) or empty for heading in kept] for line in lines]
    return markdown_rows([kept, *rows])


def _section(papers: Papers, table: Table) -> Iterator[str]:
    measured = list(_measured(table))
    yield f"### {table.title}"
    printed = _printed(table)
    yield protocol_line(table)
    if measured:
        yield _filled([line for found in measured for line in _lines(table, found)])
        notes = {table.rows[found.row].title: table.rows[found.row].note for found in measured}
        if shown := [f"- {title}: {note}." for title, note in notes.items() if note]:
            yield "\n".join(shown)
        commands = dict.fromkeys(command(papers, found.key, found.facts) for found in measured)
        yield "\n".join(["<!-- needs: data -->", "```sh", *commands, "```"])
    else:
        yield "No result of this table was measured on a real corpus so far."
    if printed:
        yield f"Published figures:\n\n{printed}"


def page(papers: Papers) -> str:
    """docs/results.md: a section per table of scores, with ours and the published figures."""
    parts = [INTRODUCTION.strip()]
    for key, paper in papers.papers.items():
        parts += [f"## {paper.title}", f"By {paper.authors}."]
        for table in papers.tables.values():
            scored = not table.timed and not {"value", "n_clips", "threshold"} & set(table.metrics)
            if table.paper == key and scored:
                parts += _section(papers, table)
    return "\n\n".join(parts) + "\n"


def _headlines(papers: Papers) -> str:
    """A line per entry of ``HEADLINES``."""
    lines = []
    for name, row, column, metric in HEADLINES:
        table = papers.tables[name]
        found = next((m for m in _measured(table) if (m.row, m.column) == (row, column)), None)
        if found is None:
            raise MerError(
                f"every entry of HEADLINES in {__name__} must be measured on a real corpus, and {row!r} of "
                f"table {name!r} is not for {column!r}; name another"
            )
        line = next(line for line in _lines(table, found) if line.metric == metric)
        of = f" of {line.target}" if line.target else ""
        lines.append(line._replace(metric=metric + of))
    return _filled(lines, NOT_IN_HEADLINES, empty="–")


def _published_scores(papers: Papers) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Each experiment whose scores a paper prints, once: the paper, the key, and figure -> its score."""
    found: dict[str, tuple[str, dict[str, float]]] = {}
    for table in papers.tables.values():
        for row, spec in table.rows.items():
            for column in table.columns:
                if not table.timed and papers.has_published_score(table, row, column):
                    _, scores = found.setdefault(table.key(row, column), (table.paper, {}))
                    for metric, figures in spec.published.items():
                        if column in figures:
                            scores[table.name(metric, row, column)] = figures[column]
    for key, (paper, scores) in found.items():
        yield paper, key, scores


def _lies_within(facts: dict[str, Any], figure: str, published: float) -> bool:
    """Whether a published score lies in the interval of ours."""
    low, high = (facts.get(f"{figure}_{bound}", math.nan) for bound in ("low", "high"))
    return low <= published <= high


def _extent(papers: Papers) -> str:
    """How many experiments of the papers were run, and how many of these agree with the paper."""
    every, whole, part, near = 0, 0, 0, 0
    for paper, key, scores in _published_scores(papers):
        prefix, facts = real(results(paper, key))
        every += 1
        whole += bool(facts) and not prefix
        part += bool(facts) and bool(prefix)
        near += bool(facts) and not prefix and all(_lies_within(facts, *s) for s in scores.items())
    return (
        f"Of {every} systems with published scores, {whole} were run in full, {near} of them with all of "
        f"these in our intervals, and {part} in part."
    )


def readme(papers: Papers, text: str) -> str:
    """The text of README.md with the results between its two marks renewed."""
    before, after = text.split(START)[0], text.split(END)[1]
    return f"{before}{START}\n\n{_headlines(papers)}\n\n{_extent(papers)}\n\n{END}{after}"
