"""List the measured systems beside each other: the selected run, the experiments of DVC, the ledger."""

import argparse
from collections.abc import Sequence

from rich.console import Console

from mer import config
from mer.cli._systems import (
    BEST,
    HEADINGS,
    WIDTH,
    Run,
    ledger,
    p_legend,
    project_runs,
    system_text,
    table,
    title,
)
from mer.errors import MerError
from mer.reproduction.pairing import fold_facts, on_same_folds

OTHER_FOLDS = " (other folds than above, as the labels or the artists of the corpus were others)"


def arguments(parser: argparse.ArgumentParser) -> None:
    """``[words ...] [--against run]``."""
    parser.add_argument(
        "words",
        nargs="*",
        help="words such as 4qaed svm grouped: only systems that have all of them are shown",
    )
    parser.add_argument(
        "--against",
        metavar="RUN",
        help="test the others against this run of the list, such as HEAD, and show the tables that have it "
        "(default: the best of each table)",
    )


def _nothing(words: Sequence[str]) -> str:
    """Why the list is empty."""
    if words:
        return f"no measured system has all of these words: {' '.join(words)}; `mer runs` lists them all"
    config.load()  # refuses a folder without a project
    return "no system has been measured yet; run `dvc repro`"


def _groups(found: Sequence[Run]) -> list[list[Run]]:
    """The runs by corpus, target, protocol, and the folds that were run."""
    groups: list[list[Run]] = []
    for run in sorted(found, key=lambda run: fold_facts(run[1])):
        fitting = (g for g in groups if all(on_same_folds(facts, run[1]) for _, facts in g))
        if group := next(fitting, None):
            group.append(run)
        else:
            groups.append([run])
    return groups


def _with(against: str, groups: Sequence[list[Run]]) -> list[list[Run]]:
    """The groups that have a run of that name."""
    if found := [group for group in groups if against in dict(group)]:
        return found
    raise MerError(
        f"--against must name a run of the list, and {against!r} is none; `mer runs` lists them"
    )


def run(console: Console, given: argparse.Namespace) -> None:
    """Print a table per corpus, target and protocol, in 100 characters.

    p: corrected resampled t-test, on the same folds, against the best system of the table whose training
    and columns read no labels of test clips, or against the run that ``--against`` names. It is not
    adjusted for the number of systems.

    Raises
    ------
    MerError
        If there is no system to list, or none of the name that ``--against`` has.
    """
    if not console.is_terminal:
        console.width = WIDTH
    found = [
        (name, facts)
        for name, facts in (*project_runs(), *ledger())
        if HEADINGS.keys() & facts.keys()
        and all(word in f"{name} {system_text(facts)} {title(facts)}" for word in given.words)
    ]
    if not found:
        raise MerError(_nothing(given.words))
    groups = _groups(found)
    if given.against:
        groups = _with(given.against, groups)
    titles = list[str]()
    for group in groups:
        titles.append(title(group[0][1]))
        again = titles.count(titles[-1]) > 1
        console.print(table(group, given.against, OTHER_FOLDS if again else ""), "")
    console.print(p_legend(given.against or BEST))
