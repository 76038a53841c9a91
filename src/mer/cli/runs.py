"""List the measured systems beside each other: the selected run, the experiments of DVC, the ledger."""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from mer import config
from mer.cli._systems import HEADINGS, WIDTH, P, Run, facts_of, ledger, system_text, table, title
from mer.errors import MerError
from mer.io.files import read_mapping
from mer.pipeline.stage import git
from mer.reproduction.tables import folds_key

RUN, FOLDS = Path("metrics/run.json"), Path("metrics/folds.json")
EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(?P<name>.+)")


def arguments(parser: argparse.ArgumentParser) -> None:
    """``[words ...]``."""
    parser.add_argument(
        "words",
        nargs="*",
        help="words such as 4qaed svm grouped: only systems that have all of them are shown",
    )


def _of_revision(revision: str) -> dict[str, Any]:
    """The results of the selected run in a commit; empty if it has none."""
    texts = [git("show", f"{revision}:./{path.as_posix()}") for path in (RUN, FOLDS)]
    facts, folds = (json.loads(text) if text else {} for text in texts)
    return {**facts, "folds": folds} if facts else {}


def _selected() -> Iterator[Run]:
    """The run of the working tree, and those that ``dvc exp run`` has kept.

    An experiment of ``papers/`` leaves the selected run as it was, so its revision is no run of its own.
    """
    if RUN.exists():
        folds = {"folds": read_mapping(FOLDS)} if FOLDS.exists() else {}
        yield "selected", facts_of(RUN) | folds
    for reference in git("for-each-ref", "--format=%(refname)", "refs/exps").splitlines():
        if match := EXPERIMENT.fullmatch(reference):
            found = _of_revision(reference)
            if found != _of_revision(f"{reference}^"):
                yield match["name"], found


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
        for name, facts in (*_selected(), *ledger())
        if HEADINGS.keys() & facts.keys()
        and all(word in f"{name} {system_text(facts)} {title(facts)}" for word in given.words)
    ]
    if not found:
        raise MerError(_nothing(given.words))
    found.sort(key=lambda run: folds_key(run[1]))
    for _, runs in groupby(found, key=lambda run: folds_key(run[1])):
        console.print(table(list(runs)), "")
    console.print(P)
