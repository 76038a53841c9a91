"""List how far each cell of the published tables is reproduced, and why no further."""

import argparse
from collections import Counter
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mer import config
from mer.cli._console import plain, say
from mer.reproduction import dvc_files, results, spec, validation

ALIASES = ("check",)
COLOURS = {"done": "green", "in part": "cyan", "demo only": "yellow", "absent": "red"}
ADVICE = (
    "To run a cell whose corpus is there, take the stage from the column `why`:\n"
    "  mer papers exp run -S miniature= -S papers_profile=paper <stage>\n"
    "  mer papers repro -s sources papers/dvc.yaml:table@<table>"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """``[papers ...]``."""
    parser.add_argument("papers", nargs="*", help="folders of papers/; without one, all of them")


def run(console: Console, options: argparse.Namespace) -> None:
    """Print the state of each cell of the published tables, and the reason if it is not done.

    Adjacent cells with the same state and reason share a line. The last lines count the cells, and those of
    them with a published score.
    """
    every, params = spec.load(), config.read_all()
    validation.check(every, params)
    dvc_files.check(every)
    if options.papers:
        every = every.only(options.papers)
    counted, published = Counter[str](), Counter[str]()
    for name, table in every.tables.items():
        shown = Table("row", "columns", "state", title=name, title_justify="left")
        shown.add_column("why", overflow="fold")
        for row in table.rows:
            cells = {column: results.state(every, table, row, column) for column in table.columns}
            counted.update(state for state, _ in cells.values())
            published.update(
                state for c, (state, _) in cells.items() if every.has_published_score(table, row, c)
            )
            for (state, why), columns in groupby(cells, key=lambda column: cells[column]):
                shown.add_row(row, ", ".join(columns), Text(state, COLOURS[state]), plain(why))
        console.print(shown)
    for corpus in sorted(every.corpora):
        if not (results.RAW / corpus).is_dir():
            say(console, f"{results.RAW / corpus}: {params.corpora[corpus].source}")
    console.print(ADVICE, soft_wrap=True)
    console.print(f"all cells: {_counts(counted)}")
    console.print(f"cells with a published score: {_counts(published)}")


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{counted[state]} {state}" for state in COLOURS)
