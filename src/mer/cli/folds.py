"""Show the folds of a corpus under a protocol, and export them as CSV for other tools."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from rich.console import Console

from mer.cli._console import counted, say
from mer.cli._corpus import (
    advice_for_options,
    corpus_and_protocol,
    numbers_of_folds,
    prepared,
    protocol_and_seed,
)
from mer.errors import MerError
from mer.schema import ProtocolName
from mer.types import Fold

if TYPE_CHECKING:
    from mer.pipeline.folds import Corpus

MORE = ("leave_one_artist_out",)  # protocols that the pipeline reads from an exported table only
NOT_RANDOM = ("own", "song_80_20", *MORE)


def arguments(parser: argparse.ArgumentParser) -> None:
    """``<dataset> [--protocol grouped] [--export folds.csv]``."""
    corpus_and_protocol(parser, [*get_args(ProtocolName), *MORE])
    parser.add_argument(
        "--export", type=Path, help="CSV file for the folds: repeat,fold,id, or repeat,fold,id,side"
    )


def _sizes(folds: Sequence[Fold], side: str) -> str:
    found = {len(getattr(fold, side)) for fold in folds}
    return f"{min(found)}" if len(found) == 1 else f"{min(found)} to {max(found)}"


def _check_seed(protocol: str, corpus: "Corpus", seed: int | None) -> None:
    """Refuse a seed for folds that are not random."""
    published = any(protocol in track.splits for track in corpus.tracks)
    if seed is not None and (published or protocol in NOT_RANDOM):
        raise MerError(
            f"--seed must be left out with protocol {protocol!r}, whose folds are not random here, and "
            f"{seed} was given; leave it out"
        )


def _check_own(corpus: "Corpus", table: Path, dataset: str) -> None:
    """Refuse the protocol ``own`` where neither a table in the index nor the labels name its folds."""
    if not table.is_file() and not any("own" in track.splits for track in corpus.tracks):
        raise MerError(
            f"protocol 'own': {table.parent} must have a split in the labels or {table.name}, and has "
            f"neither; write {Path('data/raw', dataset, table.name)} if it is not there, select the "
            f"corpus, and run `dvc repro data/dvc.yaml:index@{dataset}`"
        )


def _check_export(target: Path, read: Sequence[Path], own: Path) -> None:
    """Refuse an export into what is read or into the corpus, unless it is the table of its own folds."""
    from mer.io.files import check_apart, check_writable

    if target.parent.resolve() / target.name != own.parent.resolve() / own.name:
        check_apart(target, [*read, own.parent])
    check_writable(target)


def run(console: Console, given: argparse.Namespace) -> None:
    """Print the number and the sizes of the folds and how many artists they share; write ``--export``.

    Raises
    ------
    MerError
        If the corpus is unknown, has no index yet or consists of segments, or does not allow the protocol,
        or the protocol a number, or ``--export`` cannot be written or would change the corpus.
    """
    from mer.audit.artists import overlap  # which load scikit-learn
    from mer.io import fold_tables
    from mer.io.files import followed
    from mer.pipeline.folds import Corpus, warn_of_copies

    index, standard = prepared(given.dataset)
    if given.export:
        own = Path("data/raw", given.dataset, fold_tables.NAME)
        _check_export(given.export, (index, standard), own)
    protocol, seed = protocol_and_seed(given)
    numbers = numbers_of_folds(protocol, given)
    corpus = Corpus(index, standard)
    _check_seed(protocol, corpus, given.seed)
    if protocol == "own":
        _check_own(corpus, index / fold_tables.NAME, given.dataset)
    with advice_for_options():
        folds = corpus.split(protocol, seed, **numbers)
    if protocol == "grouped":
        warn_of_copies(folds, "--repeats ")
    train, val, test = (_sizes(folds, side) for side in ("train", "val", "test"))
    share = overlap(corpus.tracks, folds)
    shared = f"{share:.1%}" if share or corpus.names_artists else "unknown, for none is named"
    unnamed = sum(not track.artist for track in corpus.tracks)
    if corpus.names_artists and unnamed:
        shared += f" ({counted(unnamed, 'clip')} of {len(corpus.tracks)} without an artist)"
    if given.export:
        fold_tables.write(followed(given.export), folds)
    say(
        console,
        f"{protocol}: {counted(len(folds), 'fold')} of {train} training, {val} validation and {test} test "
        f"clips; test clips whose artist is in training: {shared}",
    )
