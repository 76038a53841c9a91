"""A table of features without a corpus: rows that are there more than once."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mer.audit import duplicates
from mer.audit.duplicates import Pair
from mer.errors import MerError
from mer.io import spreadsheets
from mer.types import FeatureTable

CLASS_COLUMNS = ("quadrant", "label", "class", "emotion")
ID_COLUMNS = (
    *("id", "nr", "songid", "musicid", "clipid", "trackid", "idsong", "song", "track"),
    *("", "unnamed:0", "index", "file", "filename", "path"),
)  # without blanks, - and _; "" is the index that pandas writes
BLANK = ("", "na", "n/a", "null", "nan")


@dataclass(frozen=True)
class Audit:
    """The findings in a table; JSON can represent every attribute.

    Attributes
    ----------
    rows : int
    columns : int
        Columns of numbers, without the class and ids; others are not compared.
    left_out : list of str
        Those with blank or infinite cells, in which near duplicates are not searched for.
    mixed : list of str
        Columns that are not compared, although more than half of their filled cells are numbers.
    exact : list of Pair
        As of ``repeated``.
    near : list of Pair
        Near duplicates, those in ``exact`` included, the closest first.
    conflicts : list of Pair
        Those of ``near`` with different labels.
    """

    rows: int
    columns: int
    left_out: list[str]
    mixed: list[str]
    exact: list[Pair]
    near: list[Pair]
    conflicts: list[Pair]


def _is_id(column: str) -> bool:
    """Whether a column has ids, by its name: ``Song ID`` is ``song_id``."""
    return re.sub(r"[\s_-]", "", column.lower()) in ID_COLUMNS


def read(path: Path) -> tuple[pd.DataFrame, list[str], dict[str, str]]:
    """The columns of numbers of a CSV file, the mixed ones, and the class of each row, with its line as id.

    The class is in the first column of ``CLASS_COLUMNS`` that is there, in upper or lower case; without
    one, all rows are of one class. That column is not compared, nor are those of ``ID_COLUMNS``, which tell
    equal rows apart.

    Raises
    ------
    MerError
        If the file is no table with columns of numbers.
    """
    rows = spreadsheets.read(path, [], "give a table in CSV, with a header and a row per song")
    names = list(rows[0].cells)
    ids = [row.where.removeprefix(f"{path}, ") for row in rows]
    lowered = {name.lower(): name for name in reversed(names)}
    column = next((lowered[name] for name in CLASS_COLUMNS if name in lowered), None)
    classes = [row.cells[column].strip() if column is not None else "" for row in rows]
    compared = [name for name in names if name != column and not _is_id(name)]
    cells = [[row.numeral(name).strip() for name in compared] for row in rows]
    numbers, mixed = _numbers(pd.DataFrame(cells, ids, compared))
    if numbers.empty:
        raise MerError(f"{path} must have columns of numbers, not only {names}; add some")
    return numbers, mixed, dict(zip(ids, classes))


def _numbers(cells: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The columns whose filled cells are numbers, a blank as NaN, and those where only most of them are."""
    is_blank = cells.apply(lambda column: column.str.lower().isin(BLANK))
    numbers = cells.mask(is_blank).apply(pd.to_numeric, errors="coerce")
    is_number = numbers.notna()
    share = is_number.sum() / (~is_blank).sum()  # NaN of a blank column
    return numbers.loc[:, share == 1], list(numbers.columns[(share > 0.5) & (share < 1)])


def finite(numbers: pd.DataFrame) -> FeatureTable:
    """The columns without blank or infinite cells."""
    kept = numbers.replace([np.inf, -np.inf], np.nan).dropna(axis=1)
    return FeatureTable(tuple(kept.index), tuple(map(str, kept)), kept.to_numpy(float))


def repeated(numbers: pd.DataFrame) -> list[Pair]:
    """Each row that equals an earlier one, with the first of these; a blank equals a blank."""
    first: dict[tuple[object, ...], str] = {}
    cells = numbers.astype(object).where(numbers.notna(), "")
    rows = zip(cells.index, cells.itertuples(index=False, name=None), strict=True)
    return [Pair(first[row], id_, 0.0) for id_, row in rows if first.setdefault(row, id_) != id_]


def audit(path: Path) -> Audit:
    """Look for rows of a CSV file that are there more than once.

    Raises
    ------
    MerError
        As ``read``.
    """
    numbers, mixed, classes = read(path)
    features, exact = finite(numbers), repeated(numbers)
    near = sorted({*exact, *duplicates.near(features)}, key=lambda pair: (pair.distance, pair))
    searched = {*features.names}
    left_out = [name for name in map(str, numbers) if name not in searched]
    conflicts = duplicates.conflicts(near, classes)
    return Audit(*numbers.shape, left_out, mixed, exact, near, conflicts)
