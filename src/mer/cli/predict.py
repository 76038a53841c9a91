"""Predict the emotion of your own songs with the selected, trained system."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from mer.errors import MerError
from mer.io.files import write_json, writing_file

SUFFIXES = (".csv", ".json")


def seconds(text: str) -> float:
    """Length of an excerpt, at least one second."""
    if not 1 <= (value := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return value


def arguments(parser: argparse.ArgumentParser) -> None:
    """``<files or folders ...> [--out emotions.csv]``."""
    parser.add_argument("songs", nargs="+", help="audio files, or folders with audio files")
    parser.add_argument("--out", type=Path, help="file for the predictions: .csv or .json")
    parser.add_argument(
        "--run",
        type=Path,
        default=Path("data/runs/selected"),
        help="a run of the selection of params.yaml (default: %(default)s)",
    )
    parser.add_argument(
        "--seconds",
        type=seconds,
        help="length of each excerpt (default: the median length of the corpus' clips)",
    )


def _write(target: Path, rows: pd.DataFrame) -> None:
    if target.suffix == ".json":
        write_json(target, rows.to_dict("records"))
        return
    with writing_file(target) as new:
        rows.to_csv(new, index=False, lineterminator="\n")


def _shown(rows: pd.DataFrame, whole: Sequence[bool], title: str) -> Table:
    """A table with songs in bold and their excerpts below them."""
    names = [Column(name, overflow="fold" if name == "id" else "ellipsis") for name in rows.columns]
    table = Table(*names, title=title, title_justify="left")
    for row, is_song in zip(rows.itertuples(index=False), whole, strict=True):
        id_, start, end, *answers = row
        shown = [escape(a) if isinstance(a, str) else f"{a:.2f}" for a in answers]
        cells = [escape(id_), f"{start:.1f}", f"{end:.1f}", *shown]
        table.add_row(*cells, style="bold" if is_song else None)
    return table


def run(console: Console, given: argparse.Namespace) -> None:
    """Print the predictions, and write them to ``--out``."""
    from mer.inference import predict, trained_system  # which load torch

    if given.out and given.out.suffix not in SUFFIXES:
        raise MerError(f"--out must end in one of {' '.join(SUFFIXES)}, not {str(given.out)!r}")
    asked = trained_system.load(given.run)
    answers = predict.predict(asked, given.songs, given.seconds)
    title = (
        f"model={asked.chosen.model} dataset={asked.chosen.dataset} profile={asked.chosen.profile}"
    )
    console.print(_shown(answers.rows, answers.whole, title))
    if given.out:
        _write(given.out, answers.rows)
    where = f"{given.out}: " if given.out else ""
    count = sum(answers.whole)
    console.print(
        f"{where}{count} songs in {len(answers.rows) - count} excerpts, predicted by {len(asked.members)} "
        f"folds; files left out: {len(answers.left_out)}",
        soft_wrap=True,
        markup=False,
    )
