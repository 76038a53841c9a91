"""Predict the emotion of your own songs: a row per song, the curve along each, and plots."""

import argparse
import sys
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mer.cli._console import counted, plain, say
from mer.cli._csv import csv_text
from mer.cli._numbers import at_least
from mer.errors import MerError
from mer.runtime.error_messages import printable_name

if TYPE_CHECKING:
    from mer.inference.answers import SongAnswer

SUFFIXES = (".csv", ".json", ".parquet")
PICTURES = (".png", ".svg")
FIGURES = ("p_high_arousal", "p_high_valence", "arousal", "valence")
STDIO = Path("-")  # standard output, or input
UNBOUNDED = 1000  # columns of a table in a file or a pipe
OUT_OF_DISTRIBUTION = (
    "OOD, out of distribution: the song {distance}has no sound above 5.6 kHz; do not rely on "
    "this answer"
)
FARTHER = "is farther from the training clips than 99 % of them are from the others, or "


def table_file(text: str) -> Path:
    """``-``, or a file with the suffix of a table."""
    path = Path(text)
    if path != STDIO and path.suffix not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"must be - or end in {', '.join(SUFFIXES)}, not {text!r}")
    return path


def picture_file(text: str) -> Path:
    """A file with the suffix of a picture."""
    path = Path(text)
    if path.suffix not in PICTURES:
        raise argparse.ArgumentTypeError(f"must end in {', '.join(PICTURES)}, not {text!r}")
    return path


def arguments(parser: argparse.ArgumentParser) -> None:
    """``<files or folders ...> [--out emotions.csv] [--curve curve.csv] [--plot emotions.png]``."""
    parser.add_argument(
        "songs", nargs="+", help="audio files, folders with audio files, or - for standard input"
    )
    parser.add_argument(
        "--out",
        type=table_file,
        help="table with a row per song: .csv, .json, .parquet, or - for CSV on standard output",
    )
    parser.add_argument(
        "--curve", type=table_file, help="table with a row per excerpt, in the same formats"
    )
    parser.add_argument(
        "--plot",
        type=picture_file,
        help="picture, .png or .svg: the songs in Russell's plane, and the curves of up to eight songs",
    )
    parser.add_argument(
        "--system",
        help="the system: a folder that mer export has written, a run, or selected, the trained "
        "selection of params.yaml (default: the system that comes with mer)",
    )
    parser.add_argument(
        "--seconds",
        type=at_least(1.0),
        help="length of an excerpt in seconds (default: that of the training clips, 30 s for 4QAED)",
    )
    parser.add_argument(
        "--hop",
        type=at_least(1.0),
        help="seconds from one excerpt to the next (default: the length of an excerpt)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="answer only the songs that an interrupted run with the same --out has not answered",
    )


def _write(target: Path, rows: pd.DataFrame) -> None:
    """Write a table in the format of its suffix, or as CSV to standard output."""
    from mer.io.files import followed, write_json, write_text, writing_file

    place = followed(target)
    if target == STDIO:
        sys.stdout.write(csv_text(rows, index=False))
    elif target.suffix == ".json":
        write_json(place, _records(rows))
    elif target.suffix == ".parquet":
        with writing_file(place) as new:
            rows.to_parquet(new, index=False)
    else:
        write_text(place, csv_text(rows, index=False))


def _records(rows: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """The rows for JSON: null where a value is missing, the possible classes as a list."""
    from mer.inference.answers import SEPARATOR

    if "possible" in rows:
        rows = rows.assign(possible=rows["possible"].str.split(SEPARATOR))
    return rows.astype(object).where(rows.notna(), None).to_dict("records")


def _shortened(path: str, width: int) -> str:
    """A path without its first letters where it is longer than ``width``."""
    return path if len(path) <= width else f"…{path[1 - width :]}"


def _shown(console: Console, rows: pd.DataFrame, title: str) -> Table:
    """The songs as a table that fits the terminal."""
    marked = rows["out_of_distribution"].any()
    width = max(16, console.width - (66 if marked else 58))
    table = Table(title=plain(title), title_justify="left", box=None, header_style="bold")
    distance = FARTHER if "ood_score" in rows else ""
    table.caption = OUT_OF_DISTRIBUTION.format(distance=distance) if marked else None
    table.caption_justify = "left"
    figures = [name for name in FIGURES if name in rows]
    for name in ("song", "length", *(["answer", "p"] if "possible" in rows else [])):
        table.add_column(name, no_wrap=True)
    for name in figures:
        table.add_column(name.removeprefix("p_high_"), justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in rows.to_dict("records"):
        cells = [_shortened(printable_name(row["id"]), width), _length(row["seconds"])]
        if "possible" in row:
            cells += [_answer(row["possible"]), f"{row['p_' + row['class']]:.2f}"]
        cells += [f"{row[name]:.2f}" for name in figures]
        cells.append("OOD" if row["out_of_distribution"] else "")
        table.add_row(*map(plain, cells))
    return table


def _length(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _answer(possible: str) -> str:
    """The possible classes, the most probable first; up to two quadrants with their words."""
    from mer.inference.answers import SEPARATOR
    from mer.types import EMOTIONS

    names = possible.split(SEPARATOR)
    words = [f"{name} {EMOTIONS[name]}" if name in EMOTIONS else name for name in names]
    return " or ".join(words if len(words) < 3 else names)


def _check_outputs(given: argparse.Namespace) -> None:
    """Refuse to resume without the output of the interrupted run, and one place for two outputs."""
    if given.resume and given.out in (None, STDIO):
        raise MerError(
            "--resume must come with the file --out of the interrupted run, beside which its answers are "
            f"kept, not with {'standard output' if given.out else 'none'}; give it, or leave out --resume"
        )
    met: dict[Path, str] = {}
    for option in ("--out", "--curve", "--plot"):
        path = getattr(given, option.removeprefix("--"))
        if path and (other := met.setdefault(path.resolve(), option)) != option:
            raise MerError(
                f"{other} and {option} must be different files, and both are {path}; give each a name of "
                "its own"
            )


def _answered(name: str, given: argparse.Namespace) -> tuple[list["SongAnswer"], dict[str, str]]:
    """The answers of a system for the songs, and the files left out with their reasons."""
    from mer.inference import library, songs

    left_out: dict[str, str] = {}
    form = {"seconds": given.seconds, "hop": given.hop, "out": given.out, "resume": given.resume}
    with songs.spooled(given.songs) as places:
        found = library.answered(name, songs.files(places, left_out), left_out, **form)
    songs.require_any(found, left_out)
    return [replace(answer, id=songs.shown(answer.id)) for answer in found], left_out


def run(console: Console, given: argparse.Namespace) -> None:
    """Answer, print and write; the status is 1 if a file was left out."""
    from mer.inference import answers, plots, predictor, resumption  # which load torch
    from mer.io.files import check_apart, check_writable, is_file

    said = Console(stderr=True) if STDIO in (given.out, given.curve) else console
    if not said.is_terminal:
        said.width = UNBOUNDED
    _check_outputs(given)
    name = predictor.DEFAULT if given.system is None else given.system
    read = [predictor.place_of(name), *filter(is_file, map(Path, given.songs))]
    for path in filter(None, (given.out, given.curve, given.plot)):
        if path != STDIO:
            check_apart(path, read)
            check_writable(path)
    system = predictor.load_system(name)
    if given.plot:
        plots.check(system)
    with resumption.until_written(given.out):
        found, left_out = _answered(name, given)
        rows = answers.of_songs(system, found)
        if given.plot:
            plots.write(given.plot, system, found)
        tables = [(given.out, rows), (given.curve, answers.of_excerpts(system, found))]
        tables.sort(key=lambda pair: pair[0] == STDIO)  # last, for it may be closed
        for path, table in tables:
            if path:
                _write(path, table)
    said.print(_shown(said, rows, system.about.title))
    if system.warning:
        said.print(Text.assemble(("Warning: ", "bold red"), plain(system.warning)), soft_wrap=True)
    files = [f"{p}" for p in (given.out, given.curve, given.plot) if p and p != STDIO]
    excerpts = sum(len(answer.starts) for answer in found)
    say(
        said,
        f"{', '.join(files)}{': ' if files else ''}{counted(len(found), 'song')} in "
        f"{counted(excerpts, 'excerpt')}; files left out: {len(left_out)}",
    )
    if left_out:
        sys.exit(1)
