"""List the measured systems beside each other: the selected run, the experiments of DVC, the ledger."""

import argparse
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console

from mer import config
from mer.cli._systems import HEADINGS, WIDTH, P, ledger, own_runs, system_text, table, title
from mer.errors import MerError
from mer.reproduction.tables import folds_key


def arguments(parser: argparse.ArgumentParser) -> None:
    """``[words ...]``."""
    parser.add_argument(
        "words",
        nargs="*",
        help="words such as 4qaed svm grouped: only systems that have all of them are shown",
    )


def _nothing(words: Sequence[str]) -> str:
    """Why the list is empty."""
    if words:
        return f"no measured system has all of these words: {' '.join(words)}; `mer runs` lists them all"
    config.load()  # refuses a folder without a project
    return "no system has been measured yet; run `dvc repro`"


def run(console: Console, given: argparse.Namespace) -> None:
    """Print a table per corpus, target and protocol, in 100 characters.

    p: corrected resampled t-test against the best system of the table whose training does not see test
    clips, on the same folds. It is not adjusted for the number of systems.

    Raises
    ------
    MerError
        If there is no system to list.
    """
    if not console.is_terminal:
        console.width = WIDTH
    found = [
        (name, facts)
        for name, facts in (*own_runs(), *ledger())
        if HEADINGS.keys() & facts.keys()
        and all(word in f"{name} {system_text(facts)} {title(facts)}" for word in given.words)
    ]
    if not found:
        raise MerError(_nothing(given.words))
    found.sort(key=lambda run: folds_key(run[1]))
    for _, runs in groupby(found, key=lambda run: folds_key(run[1])):
        console.print(table(list(runs)), "")
    console.print(P)
