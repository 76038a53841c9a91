"""A published table beside ours, for readers: Markdown, HTML, CSV and LaTeX."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mer.io.files import write_text, writing
from mer.io.templates import template
from mer.metrics import DIGITS, p_text
from mer.reproduction.spec import Papers, Table

Cell = dict[str, Any]
Line = dict[str, str]
UNCOMMITTED = "run from uncommitted code"
HEADINGS = {
    "system": "system",
    "metric": "metric",
    "published": "published",
    "ours": "ours ± sd over folds and restarts",
    "difference": "difference",
    "interval": "95 % interval over clips",
    "p": "p",
    "p_student": "p, Student",
    "n": "clips / folds / restarts",
    "corpus": "corpus",
    "protocol": "our protocol",
    "incomparable": "not comparable",
    "note": "note",
}
IN_CELL = str.maketrans({"|": "\\|", "\n": " "})
# The opening of a tag, but for the marks that mer.site puts around figures.
TAG = re.compile(r'<(?=[a-zA-Z/!?])(?!/span>|span class="(?:demo|part)">)')
# What stands once above the rows where it is the same in all of them.
COMMON = ("metric", "corpus", "protocol")


def _number(value: float | None) -> str:
    """A score with four decimals, seconds with one; a count or a small parameter as it is."""
    return _text(value, DIGITS if abs(value or 0) < 10 else 1)


def _is_small(value: float) -> bool:
    return 0 < abs(value) < 10**-DIGITS


def _text(value: float | None, decimals: int, sign: str = "") -> str:
    if value is None:
        return ""
    as_it_is = isinstance(value, int) or _is_small(value)
    return f"{value:{sign}}" if as_it_is else f"{value:{sign}.{decimals}f}"


def _decimals_of(value: float) -> int:
    return DIGITS if _is_small(value) else len(f"{value:.{DIGITS}f}".rstrip("0").partition(".")[2])


def _decimals(table: Table, metric: str) -> int:
    """How many decimals the paper prints of a metric, at most four."""
    every = [v for row in table.rows.values() for v in row.published.get(metric, {}).values()]
    return max(map(_decimals_of, every), default=DIGITS)


def published_text(table: Table, metric: str, value: float | None, sign: str = "") -> str:
    """A published figure, or a difference from one, with the decimals of the paper; empty for None."""
    return _text(value, _decimals(table, metric), sign)


def _published(table: Table, cell: Cell, metric: str) -> str:
    """The published figure ± its standard deviation."""
    figure = published_text(table, metric, cell.get(f"{metric}_published"))
    return " ± ".join(filter(None, [figure, _number(cell.get(f"{metric}_published_sd"))]))


def protocol_line(table: Table) -> str:
    """The sentence that names the protocol, of the published figures if the table has some."""
    printed = any(row.published for row in table.rows.values())
    return f"Protocol{' of the published figures' if printed else ''}: {table.protocol}."


def _with_deviation(cell: Cell, name: str) -> str:
    parts = [_number(cell.get(key)) for key in (name, f"{name}_sd")]
    return " ± ".join(filter(None, parts))


def _p(table: Table, found: Mapping[str, float]) -> str:
    """The p values of a cell, each with its reference row unless that is the table's."""
    shown = []
    for against, p in found.items():
        title = "" if against == table.reference else f" ({table.rows[against].title})"
        shown.append(f"{p_text(p)}{title}")
    return "; ".join(shown)


def _counts(cell: Cell) -> str:
    """Number of clips, of folds, and of restarts if there are several."""
    restarts = cell.get("n_restarts", 1)
    folds = cell["n_folds"] // restarts if "n_folds" in cell else None
    counts = (cell.get("n_clips"), folds, restarts if restarts > 1 else None)
    return " / ".join(str(count) for count in counts if count is not None)


def incomparable_scores(table: Table, cell: Cell, metric: str) -> dict[str, str]:
    """The figures that are not comparable, by prefix: profile, share of the folds, changed parameters."""
    others = tuple(name for name in table.metrics if name.endswith(f"_{metric}"))
    keys = [key for key in cell if key.endswith(f"_{metric}") and not key.endswith(others)]
    found = {}
    for prefix in (key.removesuffix(metric) for key in keys):
        figure = f"{prefix.strip('_')} {_with_deviation(cell, prefix + metric)}"
        parts = [cell[f"{prefix}{k}"] for k in ("extent", "changed") if cell.get(f"{prefix}{k}")]
        found[prefix] = f"{figure} ({'; '.join(parts)})" if parts else figure
    return found


def figures(table: Table, cell: Cell, metric: str) -> Line:
    """The printed figures of one metric in one cell, by ``HEADINGS``."""
    shown = {"published": _published(table, cell, metric)}
    shown["ours"] = _with_deviation(cell, metric)
    both = metric in cell and f"{metric}_published" in cell
    difference = round(cell[metric] - cell[f"{metric}_published"], DIGITS) if both else None
    shown["difference"] = published_text(table, metric, difference, sign="+")
    bounds = [_number(cell.get(f"{metric}_{bound}")) for bound in ("low", "high")]
    shown["interval"] = "–".join(filter(None, bounds))
    shown |= {test: _p(table, cell.get(f"{metric}_{test}", {})) for test in ("p", "p_student")}
    shown["n"] = _counts(cell)
    shown["incomparable"] = "; ".join(incomparable_scores(table, cell, metric).values())
    return shown


def note(table: Table, row: str, cell: Cell) -> str:
    """The missing input of the cell, the differences from the paper, and that the code is not committed."""
    measured = any(metric in cell for metric in table.metrics)
    missing = [] if measured else [cell[key] for key in cell if key.endswith("absent")]
    reasons = dict.fromkeys(missing)
    if any(key.endswith("uncommitted") for key in cell):
        reasons[UNCOMMITTED] = None
    return "; ".join([*reasons, *filter(None, [table.rows[row].note])])


def lines_of(
    papers: Papers, table: Table, found: Mapping[str, Mapping[str, Cell]], column: str
) -> Iterator[Line]:
    """The rows of one column of the published table, one per metric: by ``HEADINGS``, with the keys of the
    row and of the figure."""
    for row, spec in table.rows.items():
        experiment = papers.find(table.key(row, column))
        cell = found[row][column]
        for metric in table.metrics:
            yield {
                "row": row,
                "figure": metric,
                "system": spec.title,
                "metric": metric.replace("_", " "),
                "corpus": experiment.dataset if experiment else "",
                "protocol": getattr(experiment, "protocol", ""),
                **figures(table, cell, metric),
                "note": note(table, row, cell) if experiment else table.why(row, column) or "",
            }


def _common(lines: list[Line]) -> Line:
    """Values that are the same in all rows that have them, by their headings."""
    found = {name: {line[name] for line in lines if line[name]} for name in COMMON}
    return {HEADINGS[name]: values.pop() for name, values in found.items() if len(values) == 1}


def _frame(lines: list[Line], common: Line) -> pd.DataFrame:
    """The rows under their headings, without the columns that are empty or common."""
    frame = pd.DataFrame(lines)[[*HEADINGS]].rename(columns=HEADINGS)
    empty = [heading for heading in frame if not frame[heading].any()]
    return frame.drop(columns=[*common, *(name for name in empty if name not in common)])


def _without_notes(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """The rows without their notes, and note -> the systems that it is about."""
    notes: dict[str, list[str]] = {}
    for system, text in zip(frame["system"], frame.get("note", ()), strict=False):
        if text and system not in notes.setdefault(text, []):
            notes[text].append(system)
    return frame.drop(columns="note", errors="ignore"), notes


def _raw(line: Line, cell: Cell, metric: str) -> dict[str, Any]:
    """A row of table.csv: its figures are numbers, one in a column."""
    suffixes = {"published": "_published", "published_sd": "_published_sd", "ours": ""}
    suffixes |= {name: f"_{name}" for name in ("sd", "low", "high")}
    shown = {name: cell.get(f"{metric}{suffix}") for name, suffix in suffixes.items()}
    counts = {name: cell.get(name) for name in ("n_clips", "n_folds", "n_restarts")}
    texts = {
        name: line[name]
        for name in ("p", "p_student", "corpus", "protocol", "incomparable", "note")
    }
    return {"system": line["system"], "metric": metric, **shown, **counts, **texts}


def section(title: str, lines: list[Line]) -> dict[str, Any]:
    """The printed parts of one column: its title, what all rows share, the other figures, and the notes."""
    common = _common(lines)
    frame, notes = _without_notes(_frame(lines, common))
    return {"title": title, "common": common, "frame": frame, "notes": notes}


def legend(table: Table, lines: list[Line]) -> str:
    """The meaning of the headings."""
    tested = any(line["p"] for line in lines)
    against = f"{table.rows[table.reference].title}, or " if table.reference else ""
    return (
        "Ours: the real corpus under the whole protocol. Restarts: trainings of the same fold from other "
        "seeds; of a single split, the deviation is over these alone. The interval leaves out that another "
        "seed would train another network. The rows can be of different commits: docs/results.md has them. "
        + (
            f"P: corrected resampled t-test against {against}the row in brackets, on the same folds; "
            "beside it Student's, which takes folds for independent. "
        )
        * tested
        + "Not comparable: figures of a rendered miniature (demo), which prove that the experiment "
        "runs, of a shorter profile, or of changed parameters, which are named."
    )


def _markdown(context: Mapping[str, Any]) -> str:
    """GitHub's Markdown: a heading per column, a table of its rows."""
    table = context["table"]
    text = [f"# {as_text(table.title)}", f"{context['paper'].title} ({context['paper'].authors})."]
    text += [context["protocol"], context["legend"]]
    for shown in context["sections"]:
        text += [f"## {as_text(shown['title'])}", markdown_table(shown)]
    return "\n\n".join(filter(None, text)) + "\n"


def as_text(markdown: str) -> str:
    """Markdown whose HTML tags are shown as text."""
    return TAG.sub("&lt;", markdown)


def markdown_row(cells: Iterable[str]) -> str:
    """A row of a Markdown table; bars and HTML tags in a cell are shown as text."""
    return f"| {' | '.join(as_text(cell.translate(IN_CELL)) for cell in cells)} |"


def markdown_rows(rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, of which the first row has the headings."""
    lines = list(rows)
    return "\n".join(map(markdown_row, [lines[0], ["---"] * len(lines[0]), *lines[1:]]))


def markdown_table(shown: Mapping[str, Any]) -> str:
    """A ``section`` without its title."""
    frame, notes = shown["frame"], shown["notes"]
    text = ["; ".join(f"{name}: {value}" for name, value in shown["common"].items())]
    text += [markdown_rows([list(frame), *frame.to_numpy().tolist()])]
    text += ["\n".join(f"- {', '.join(systems)}: {note}" for note, systems in notes.items())]
    return "\n\n".join(filter(None, text))


def _html(context: Mapping[str, Any]) -> str:
    return template(Path(__file__).with_name("table.html")).render(context)


def _latex(context: Mapping[str, Any]) -> str:
    """A ``table`` per column, for ``\\usepackage{booktabs}``."""
    parts = []
    for shown in context["sections"]:
        frame = shown["frame"].drop(columns=HEADINGS["incomparable"], errors="ignore")
        caption = f"{context['table'].title}. {shown['title']}"
        for sign in "&%$#_":
            caption = caption.replace(sign, f"\\{sign}")
        parts.append(frame.to_latex(index=False, escape=True, caption=caption, position="htbp"))
    return "\n".join(parts)


def write_files(
    papers: Papers, table: Table, found: Mapping[str, Mapping[str, Cell]], folder: Path
) -> None:
    """Write ``table.md``, ``table.html``, ``table.csv`` and ``table.tex``.

    Parameters
    ----------
    found : mapping
        Row -> column -> cell, see ``mer.reproduction.tables.cells``.
    """
    sections, every, raw = [], [], []
    for column, spec in table.columns.items():
        lines = list(lines_of(papers, table, found, column))
        sections.append(section(spec.title, lines))
        for line in lines:
            cell = found[line["row"]][column]
            raw.append({"column": spec.title, **_raw(line, cell, line["figure"])})
        every += lines
    context = {
        "table": table,
        "paper": papers.papers[table.paper],
        "protocol": protocol_line(table),
        "legend": legend(table, every),
        "sections": sections,
    }
    numbers = pd.DataFrame(raw).to_csv(index=False, lineterminator="\n")
    with writing(folder) as target:
        write_text(target / "table.md", _markdown(context))
        write_text(target / "table.html", _html(context))
        write_text(target / "table.tex", _latex(context))
        write_text(target / "table.csv", numbers)
