"""A table of features without a corpus: rows that are there more than once."""

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
    *("id", "songid", "song_id", "musicid", "clip_id", "track_id"),
    *("", "unnamed: 0", "index", "idsong", "song", "track", "file", "filename", "path"),
)  # "" is the index that pandas writes


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
    exact: list[Pair]
    near: list[Pair]
    conflicts: list[Pair]


def read(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """The columns of numbers of a CSV file, and the class of each row; an id is the row's line.

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
    compared = [name for name in names if name != column and name.lower() not in ID_COLUMNS]
    cells = [[row.numeral(name).strip() for name in compared] for row in rows]
    numbers = pd.DataFrame(cells, ids, compared).apply(_numbers).dropna(axis=1, how="all")
    if numbers.empty:
        raise MerError(f"{path} must have columns of numbers, not only {names}; add some")
    return numbers, dict(zip(ids, classes))


def _numbers(column: pd.Series) -> pd.Series:
    """A column as numbers, blank cells as NaN; all NaN if another cell is no number."""
    found = pd.to_numeric(column.where(column != ""), errors="coerce")
    is_blank = column.str.lower().isin(["", "nan"])
    return found if (found.notna() | is_blank).all() else found * np.nan


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
    numbers, classes = read(path)
    features, exact = finite(numbers), repeated(numbers)
    near = sorted({*exact, *duplicates.near(features)}, key=lambda pair: (pair.distance, pair))
    searched = {*features.names}
    left_out = [name for name in map(str, numbers) if name not in searched]
    conflicts = duplicates.conflicts(near, classes)
    return Audit(*numbers.shape, left_out, exact, near, conflicts)
