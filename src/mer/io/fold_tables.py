"""Folds as plain CSV, to share them with other tools.

``id,fold``: the fold that tests a clip; all other folds train on it. ``id,fold,side``: the side of a clip
in a fold, train, val or test. Both may have ``repeat``, where clips are split several times; a table with
``side`` may leave out ``fold``, where there is one.
"""

from collections.abc import Collection, Sequence
from itertools import groupby
from pathlib import Path

from sklearn.model_selection import LeaveOneGroupOut

from mer.errors import MerError
from mer.io import spreadsheets
from mer.io.files import write_csv
from mer.splits import fold_numbers
from mer.types import SIDES, Fold

NAME = "folds.csv"  # in the folder of a corpus
REMEDY = "write a row per clip with the columns id,fold or id,side, as `mer folds --export` does"


def _is_cross_validation(folds: Sequence[Fold]) -> bool:
    """Whether each fold of a repeat trains on the test clips of all others."""
    tested = sorted(id_ for fold in folds for id_ in fold.test)
    return len({*tested}) == len(tested) and all(
        sorted((*fold.train, *fold.test)) == tested for fold in folds
    )


def write(path: Path, folds: Sequence[Fold]) -> None:
    """Write ``repeat,fold,id``, or ``repeat,fold,id,side`` where the folds are no cross-validation."""
    repeats = [list(of) for _, of in groupby(folds, key=lambda fold: fold.repeat)]
    short = all(map(_is_cross_validation, repeats))
    rows = (
        (fold.repeat, fold.fold, id_, side)
        for fold in folds
        for side in (SIDES[-1:] if short else SIDES)
        for id_ in getattr(fold, side)
    )
    table = [("repeat", "fold", "id", "side"), *rows]
    write_csv(path, [row[:3] for row in table] if short else table, lineterminator="\n")


def _name(row: spreadsheets.Row, column: str) -> str:
    """The name of a row's fold or repeat, ``0`` in a table without the column."""
    return row.text(column) or "0"


def _by_fold(rows: Sequence[spreadsheets.Row], repeat: int) -> list[Fold]:
    """The folds of one repeat whose rows name the fold that tests a clip."""
    found = spreadsheets.by_id(rows, lambda row: row.cells["id"])
    ids, numbers = sorted(found), fold_numbers(_name(row, "fold") for row in rows)
    groups = [numbers[_name(found[id_], "fold")] for id_ in ids]
    return [
        Fold(repeat, n, tuple(ids[i] for i in train), (), tuple(ids[i] for i in test))
        for n, (train, test) in enumerate(LeaveOneGroupOut().split(ids, groups=groups))
    ]


def _by_side(rows: Sequence[spreadsheets.Row], repeat: int) -> list[Fold]:
    """The folds of one repeat whose rows name the side of a clip."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        sides = found.setdefault(_name(row, "fold"), {side: [] for side in SIDES})
        sides[row.choice("side", SIDES)].append(row.cells["id"])
    return [
        Fold(repeat, number, *(tuple(sorted(ids)) for ids in found[name].values()))
        for name, number in fold_numbers(found).items()
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
    columns = [name for name in ("id", "repeat", "fold", "side") if name in rows[0].cells]
    if not {"side", "fold"} & {*columns}:
        raise MerError(f"{path} must have a column 'fold' or 'side'; {REMEDY}")
    for row in rows:
        if blank := [name for name in columns if not row.text(name)]:
            raise MerError(f"{row.where}: {blank[0]} must not be empty; fill the cell")
    of_repeat = _by_side if "side" in columns else _by_fold
    repeats = fold_numbers(_name(row, "repeat") for row in rows)
    try:
        return [
            fold
            for name, number in repeats.items()
            for fold in of_repeat([r for r in rows if _name(r, "repeat") == name], number)
        ]
    except (MerError, ValueError) as error:
        if str(error).startswith(f"{path}, line"):  # the error of a row, which says what to do
            raise
        raise MerError(f"{path}: {error}; {REMEDY}") from error


def read_for(path: Path, ids: Collection[str]) -> list[Fold]:
    """``read`` of a table that must list no other clips than those with these ids.

    Raises
    ------
    MerError
        As ``read``, and if the table lists another clip.
    """
    folds = read(path)
    listed = {id_ for fold in folds for id_ in (*fold.train, *fold.val, *fold.test)}
    if unknown := sorted(listed - {*ids}):
        raise MerError(
            f"{path} must list clips of the corpus, and {unknown[0]!r} is none ({len(unknown)} such clips "
            "in all); correct the ids, or remove the rows"
        )
    return folds
