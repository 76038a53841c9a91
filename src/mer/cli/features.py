"""Extract features of your own songs: a table with a row per file."""

import argparse
from pathlib import Path

import pandas as pd
from rich.console import Console

from mer.errors import MerError
from mer.inference import songs
from mer.io.artefacts import write_features
from mer.io.files import writing_file
from mer.types import FeatureSet

SUFFIXES = (".parquet", ".csv")


def sample_rate(text: str) -> int:
    """A positive sample rate in Hz."""
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return value


def arguments(parser: argparse.ArgumentParser) -> None:
    """``<family> <files or folders ...> --out table.parquet``."""
    parser.add_argument(
        "family", help="a key of families in params.yaml, or the name of a feature concatenation"
    )
    parser.add_argument("songs", nargs="+", help="audio files, or folders with audio files")
    parser.add_argument("--out", type=Path, required=True, help="table to write: .parquet or .csv")
    parser.add_argument(
        "--sample-rate",
        type=sample_rate,
        help="sample rate in Hz to resample songs to first (default: the sample rate of the family)",
    )


def _write(target: Path, table: FeatureSet) -> None:
    with writing_file(target) as new:
        if target.suffix == ".parquet":
            write_features(new, table)
        else:
            frame = pd.DataFrame(table.values, pd.Index(table.ids, name="id"), table.names)
            frame.to_csv(new, lineterminator="\n")


def run(console: Console, given: argparse.Namespace) -> None:
    """Write the table and print the number of songs."""
    if given.out.suffix not in SUFFIXES:
        raise MerError(f"--out must end in one of {' '.join(SUFFIXES)}, not {str(given.out)!r}")
    table, left_out = songs.table(given.songs, given.family, given.sample_rate)
    _write(given.out, table)
    console.print(
        f"{given.out}: {len(table.ids)} songs, {len(table.names)} features of {given.family!r}; files "
        f"left out: {len(left_out)}",
        soft_wrap=True,
        markup=False,
    )
