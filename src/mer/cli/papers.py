"""Run a DVC command with the pipelines of papers/ in its graph: mer papers repro …, mer papers status."""

import argparse
import logging
import sys
from pathlib import Path

from dvc.cli import main as dvc
from rich.console import Console

from mer.errors import MerError
from mer.io import raw_folder
from mer.reproduction.visible import show_papers

ELSEWHERE = ("--temp", "--queue")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whatever ``dvc`` takes; those of its options that may stand before its command are known here."""
    for names in (("-q", "--quiet"), ("-v", "--verbose")):
        parser.add_argument(
            *names,
            action="append_const",
            const=names[0],
            dest="options",
            default=[],
            help="as of dvc",
        )
    parser.add_argument("words", nargs=argparse.REMAINDER, help="a DVC command and its arguments")


def run(_: Console, given: argparse.Namespace) -> None:
    """Run it and end with its status.

    Raises
    ------
    MerError
        If DVC would start another process, which would not see these pipelines, no stage is named, or a
        corpus in data/raw has an entry that DVC cannot hash.
    """
    if found := sorted(set(ELSEWHERE) & set(given.words)):
        raise MerError(
            f"mer papers must run in the workspace, and {found[0]} asks for another; leave it out"
        )
    if given.words[:1] == ["repro"] and all(word.startswith("-") for word in given.words[1:]):
        raise MerError(
            "mer papers repro must name stages or a file of them, such as papers/dvc.yaml, for its graph "
            "prepares the corpora of the papers and not the selected one; name one, or run `make tables`"
        )
    for corpus in sorted(path for path in Path("data/raw").glob("*") if path.is_dir()):
        raw_folder.check(corpus)  # for DVC would wait for ever at a pipe
    show_papers()
    logging.getLogger("dvc").propagate = False  # DVC prints its own messages
    options = given.options  # stand last, for DVC forgets those before a command
    sys.exit(dvc(["--wait-for-lock", *given.words, *options]))
