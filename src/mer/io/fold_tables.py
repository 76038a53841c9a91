"""Folds as plain CSV, to share them with other tools.

A row says on which side a clip is in one fold: ``repeat,fold,id,side``, where the side is train, val or
test. A table that is read may leave out ``repeat``, and ``fold`` where there is only one. It may also leave
out ``side``: then ``fold`` names the fold that tests the clip, and all other folds train on it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mer.errors import MerError
from mer.io import spreadsheets
from mer.io.files import write_csv
from mer.types import SIDES, Fold

COLUMNS = ("repeat", "fold", "id", "side")
REMEDY = "write a row per clip with the columns id,side or id,fold, as `mer folds --export` does"


def write(path: Path, folds: Iterable[Fold]) -> None:
    """Write ``repeat,fold,id,side``, a row per clip and fold."""
    rows = (
        (fold.repeat, fold.fold, id_, side)
        for fold in folds
        for side in SIDES
        for id_ in getattr(fold, side)
    )
    write_csv(path, [COLUMNS, *rows], lineterminator="\n")


def _name(row: spreadsheets.Row, column: str) -> str:
    return row.text(column) or "0"


def _numbers(names: Iterable[str]) -> dict[str, int]:
    """The names in their order, whole numbers by value, each with its position."""
    order = sorted(set(names), key=lambda name: (not name.isdecimal(), name.zfill(9), name))
    return {name: number for number, name in enumerate(order)}


def tested_in_turn(clips: Mapping[str, str], repeat: int) -> list[Fold]:
    """The folds of which each tests the clips of one name, and trains on the others.

    Parameters
    ----------
    clips : mapping of str to str
        Clip -> name of the fold that tests it.
    """
    sides = {
        name: (
            tuple(sorted(id_ for id_, other in clips.items() if other != name)),
            (),
            tuple(sorted(id_ for id_, other in clips.items() if other == name)),
        )
        for name in set(clips.values())
    }
    return [Fold(repeat, n, *sides[name]) for name, n in _numbers(clips.values()).items()]


def _by_fold(rows: Sequence[spreadsheets.Row], repeat: int) -> list[Fold]:
    """The folds of one repeat whose rows name their test fold."""
    found = spreadsheets.by_id(rows, lambda row: str(row.text("id")))
    return tested_in_turn({id_: _name(row, "fold") for id_, row in found.items()}, repeat)


def _by_side(rows: Sequence[spreadsheets.Row], repeat: int) -> list[Fold]:
    """The folds of one repeat whose rows name their side."""
    numbers = _numbers(_name(row, "fold") for row in rows)
    sides: dict[int, dict[str, list[str]]] = {n: {s: [] for s in SIDES} for n in numbers.values()}
    for row in rows:
        sides[numbers[_name(row, "fold")]][row.choice("side", SIDES)].append(str(row.text("id")))
    return [
        Fold(repeat, n, *(tuple(sorted(ids)) for ids in of.values())) for n, of in sides.items()
    ]


def read(path: Path) -> list[Fold]:
    """Read what ``write`` wrote, or the shorter forms, by repeat, then fold.

    Raises
    ------
    MerError
        If a column or a cell is missing, a clip has two sides in one fold, or a fold has no training or no
        test clips.
    """
    rows = spreadsheets.read(path, ["id"], REMEDY)
    columns = rows[0].cells
    if not {"side", "fold"} & columns.keys():
        raise MerError(
            f"{path} must have a column 'side' or 'fold', not only {list(columns)}; {REMEDY}"
        )
    if blank := [row.where for row in rows if not row.text("id")]:
        raise MerError(f"{blank[0]}: id must name a clip; fill the cell or remove the row")
    folds = _by_side if "side" in columns else _by_fold
    repeats = _numbers(_name(row, "repeat") for row in rows)
    try:
        return [
            fold
            for name, repeat in repeats.items()
            for fold in folds([row for row in rows if _name(row, "repeat") == name], repeat)
        ]
    except MerError as error:
        raise MerError(f"{path}: {error}") from error
