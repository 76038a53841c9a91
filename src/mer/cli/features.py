"""Extract features of your own songs: a table with a row per file."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from mer.cli._console import counted, say
from mer.cli._csv import csv_text
from mer.cli._numbers import at_least
from mer.errors import MerError
from mer.types import FeatureTable

SUFFIXES = (".parquet", ".csv")


def arguments(parser: argparse.ArgumentParser) -> None:
    """``<family> <files or folders ...> --out table.parquet``."""
    parser.add_argument(
        "family",
        help="compare, panda1714, musicnn or another key of families in params.yaml, or a name of "
        "joined_families in params/features.yaml",
    )
    parser.add_argument("songs", nargs="+", help="audio files, or folders with audio files")
    parser.add_argument("--out", type=Path, required=True, help="table to write: .parquet or .csv")
    parser.add_argument(
        "--sample-rate",
        type=at_least(1),
        help="sample rate in Hz to resample songs to first (default: that of the family, or 44100 for a "
        "family that reads any)",
    )
    parser.add_argument(
        "--max-minutes",
        type=at_least(0.01),
        default=60.0,
        help="leave longer songs out, for each is in memory as a whole (default: 60)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="compute only the songs that an interrupted run with the same --out has not computed",
    )


def _write(out: Path, table: FeatureTable) -> None:
    """Write a table of features in the format of the suffix of its file."""
    from mer.inference.song_features import frame_of  # which loads pandas
    from mer.io.feature_tables import write_features
    from mer.io.files import followed, write_text, writing_file

    if out.suffix == ".parquet":
        with writing_file(followed(out)) as new:
            write_features(new, table)
    else:
        write_text(followed(out), csv_text(frame_of(table), index=True))


def run(console: Console, given: argparse.Namespace) -> None:
    """Write the table and print the number of songs; the status is 1 if a file was left out."""
    from mer.inference import inputs, resumption, song_features  # which load pandas
    from mer.io.files import check_apart, check_writable, is_file

    if given.out.suffix not in SUFFIXES:
        raise MerError(
            f"--out must end in one of {' '.join(SUFFIXES)}, not {str(given.out)!r}; change its ending"
        )
    check_apart(given.out, filter(is_file, map(Path, given.songs)))
    check_writable(given.out)
    chosen = inputs.families(given.family)
    with resumption.until_written(given.out):
        table, left_out = song_features.features_of_files(
            chosen,
            given.songs,
            given.sample_rate,
            given.max_minutes,
            out=given.out,
            resume=given.resume,
        )
        _write(given.out, table)
    say(
        console,
        f"{given.out}: {counted(len(table.ids), 'song')}, {len(table.names)} features of "
        f"{given.family!r}; files left out: {len(left_out)}",
    )
    if left_out:
        sys.exit(1)
