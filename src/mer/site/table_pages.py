"""The page of a published table: its figures beside ours, drawn, and the command behind each figure."""

from collections.abc import Iterator, Mapping
from typing import Any

from mer.reproduction import results_page, table_files
from mer.reproduction.results import results
from mer.reproduction.spec import Papers, Table
from mer.reproduction.tables import Cell
from mer.reproduction.tables import cells as cells_of
from mer.site import drawings, intervals, scores
from mer.site.scores import anchor
from mer.types import MINIATURE

DEMO_ONLY = (
    '<p class="demo-only"><strong>Demo only.</strong> No figure of this table was measured on a real '
    "corpus. Those marked demo are of rendered miniatures: they prove that the experiment runs, and say "
    "nothing about music.</p>"
)
RECORDED = {"n_clips": "clips", "n_folds": "test folds", "seconds": "seconds (of the last session)"}


def page(papers: Papers, name: str) -> str:
    """tables/<name>.md."""
    table = papers.tables[name]
    paper = papers.papers[table.paper]
    found = cells_of(table, lambda key: results(table.paper, key))
    title = f"[{paper.title}]({paper.url})" if paper.url else paper.title
    columns = {c: list(table_files.lines_of(papers, table, found, c)) for c in table.columns}
    text = [
        "---\nhide: [toc]\n---",
        f"# {table_files.as_text(table.title)}",
        f"{title} ({paper.authors}).",
        table_files.protocol_line(table),
    ]
    if not any(_is_measured(table, cell) for row in found.values() for cell in row.values()):
        text.append(DEMO_ONLY)
    text.append(table_files.legend(table, [line for lines in columns.values() for line in lines]))
    for column, lines in columns.items():
        text += [
            f"## {table_files.as_text(table.columns[column].title)}",
            *_drawn(papers, name, column),
        ]
        linked = [_linked(table, found[line["row"]][column], line, column) for line in lines]
        text.append(table_files.markdown_table(table_files.section("", linked)))
    text += ["## Commands", _commands(papers, table)]
    return "\n\n".join(text) + "\n"


def _is_measured(table: Table, cell: Cell) -> bool:
    """Whether a cell has a figure of a real corpus, of the whole protocol or of a part."""
    return any(metric in cell for metric in table.metrics) or any(
        key.endswith(f"_{metric}") and not key.startswith(MINIATURE)
        for metric in table.metrics
        for key in cell
    )


def _drawn(papers: Papers, name: str, column: str) -> Iterator[str]:
    """The intervals of the table's first metric, where a score in -1..1 was measured on a real corpus."""
    table = papers.tables[name]
    metric = table.metrics[0]
    every = (scores.score(papers, name, row, column, metric) for row in table.rows)
    shown = [score for score in every if score]
    measured = [score for score in shown if score.state != "published"]
    if measured and all(abs(value) <= 1 for score in shown for value in score.values):
        caption = f"{metric.replace('_', ' ')}, {table.columns[column].title}"
        yield intervals.draw(caption, shown, top="../")


def _linked(table: Table, cell: Cell, line: dict[str, str], column: str) -> dict[str, str]:
    """A row whose figures link to their commands, and in which those of a demo are marked."""
    key, metric = table.key(line["row"], column), line["figure"]
    ours = f"[{line['ours']}](#{anchor(key, '')})" if line["ours"] else ""
    links = []
    for prefix, text in table_files.incomparable_scores(table, cell, metric).items():
        kind = "demo" if prefix == MINIATURE else "part"
        links.append(f'<span class="{kind}">[{text}](#{anchor(key, prefix)})</span>')
    return {**line, "ours": ours, "incomparable": " ".join(links)}


def command(papers: Papers, key: str, prefix: str, facts: Mapping[str, Any]) -> str:
    """The command that makes the results of an experiment again."""
    if prefix != MINIATURE and "profile" in facts:
        return results_page.command(papers, key, dict(facts))
    words = "-S miniature=demo_ -S papers_profile=miniature" if prefix else "-S miniature="
    return f"mer papers exp run {words} {papers.stages[key]}"


def _commands(papers: Papers, table: Table) -> str:
    """Every experiment of the table that has results: its command, what it cost, its scores by class, its
    confusion matrix and its learning curves."""
    found = {}
    for row in table.rows:
        for column in table.columns:
            key = table.key(row, column)
            for prefix, facts in results(table.paper, key).items():
                if "absent" not in facts:
                    found[anchor(key, prefix)] = _experiment(papers, key, prefix, facts)
    return intervals.render("commands.html", experiments=found)


def _experiment(
    papers: Papers, key: str, prefix: str, facts: Mapping[str, Any]
) -> Mapping[str, Any]:
    shown = [f"{facts[name]} {words}" for name, words in RECORDED.items() if name in facts]
    shown += [f"commit {facts['commit']}"] if "commit" in facts else []
    classes = [name for name in facts if name.startswith("f1_") and f"{name}_low" in facts]
    by_class = [name for name in classes if name not in ("f1_macro", "f1_micro", "f1_weighted")]
    return {
        "demo": prefix == MINIATURE,
        "command": command(papers, key, prefix, facts),
        "facts": ", ".join(shown),
        "classes": {name.removeprefix("f1_"): facts[name] for name in by_class},
        "confusion": drawings.confusion(facts.get("confusion", {})),
        "curve": drawings.curve(facts.get("curves", {})),
    }
