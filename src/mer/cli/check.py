"""Every cell of every published table: done, demo only, or absent and why."""

import argparse
from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mer import config, ledger, papers

COLOURS = {"done": "green", "demo only": "yellow", "absent": "red"}
ADVICE = (
    "A cell of a corpus that is there, where it says which stage was not run:\n"
    "  dvc exp run -S miniature= -S profile=paper <stage>\n"
    "  dvc repro -s papers/dvc.yaml:table@<table>"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(console: Console, _: argparse.Namespace) -> None:
    """Print, of every cell of every published table, whether it is done, demo only or absent, and why."""
    every, (corpora,) = papers.load(), config.read("corpora")
    counted: Counter[str] = Counter()
    for name, table in every.tables.items():
        shown = Table("row", "column", "state", "why", title=name, title_justify="left")
        for row in table.rows:
            for column in table.columns:
                state, why = ledger.state(every, table, row, column)
                counted[state] += 1
                shown.add_row(row, column, f"[{COLOURS[state]}]{state}[/]", escape(why))
        console.print(shown)
    for corpus in sorted(every.corpora):
        if not (ledger.RAW / corpus).is_dir():
            console.print(f"{ledger.RAW / corpus}: {corpora[corpus].source}", soft_wrap=True)
    console.print(ADVICE, soft_wrap=True)
    console.print(", ".join(f"{counted[state]} {state}" for state in COLOURS))
