"""Import a published corpus: check its archives and unpack them into data/raw."""

import argparse
from pathlib import Path

from rich.console import Console

from mer import config
from mer.cli._console import counted, say
from mer.errors import MerError
from mer.pipeline import import_corpus


def arguments(parser: argparse.ArgumentParser) -> None:
    """``<archives …> --as <dataset>``."""
    parser.add_argument(
        "archives",
        nargs="+",
        type=Path,
        help="all archives of the corpus: zip, tar, or tables as .csv",
    )
    parser.add_argument(
        "--as", dest="dataset", required=True, help="the key of the corpus in params/corpora.yaml"
    )


def run(console: Console, given: argparse.Namespace) -> None:
    """Unpack the archives, and print what is there now.

    Raises
    ------
    MerError
        If the key is unknown, or the archives are refused; then nothing is left behind.
    """
    (corpora,) = config.read("corpora")
    if given.dataset not in corpora:
        raise MerError(
            f"--as must name a corpus of params/corpora.yaml, one of {sorted(corpora)}, not "
            f"{given.dataset!r}; add a block for a corpus of your own"
        )
    target = Path("data/raw", given.dataset)
    done = import_corpus.unpack(given.archives, corpora[given.dataset], target)
    sums = f"SHA-256 as known: {', '.join(done.verified)}" if done.verified else "no SHA-256 known"
    say(
        console,
        f"{target}: {counted(done.files, 'file')}, {done.size / 2**20:.0f} MiB, "
        f"{counted(done.clips, 'labelled clip')}, {done.with_file} of them with an audio file; {sums}\n"
        f"Look for faults in it: mer audit {given.dataset}",
    )
