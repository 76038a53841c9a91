"""A table of features without a corpus: rows that are there more than once."""

from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from mer.audit import duplicates
from mer.audit.duplicates import Pair
from mer.errors import MerError
from mer.types import FeatureSet

CLASS_COLUMNS = ("quadrant", "label", "class", "emotion")
ID_COLUMNS = ("id", "songid", "song_id", "musicid", "clip_id", "track_id")


@dataclass(frozen=True)
class Audit:
    """The findings in a table; JSON can represent every attribute.

    Attributes
    ----------
    rows : int
    columns : int
        Columns of numbers, without those of ``ID_COLUMNS``; others are not compared.
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
    one, all rows are of one class. Columns of ``ID_COLUMNS`` are left out, for they tell equal rows apart.

    Raises
    ------
    MerError
        If the file is no table with columns of numbers.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        header = text[: len(text) - len(text.lstrip())].count("\n") + 1
        table = pd.read_csv(StringIO(text), skiprows=header - 1, skip_blank_lines=False)
    except (OSError, ValueError) as error:
        raise MerError(
            f"{path} must be a table in CSV ({error}); give one with a header"
        ) from error
    table.index = pd.Index([f"line {header + row}" for row in range(1, len(table) + 1)])
    table = table.dropna(how="all")
    ids = [column for column in table.columns if str(column).lower() in ID_COLUMNS]
    numbers = table.drop(columns=ids).select_dtypes("number")
    if numbers.empty:
        raise MerError(
            f"{path} must have columns of numbers, not only {list(table.columns)}; add some"
        )
    lowered = {str(column).lower(): column for column in reversed(table.columns)}
    column = next((lowered[name] for name in CLASS_COLUMNS if name in lowered), None)
    classes = table[column].astype(str) if column is not None else [""] * len(table)
    return numbers, dict(zip(table.index, classes))


def finite(numbers: pd.DataFrame) -> FeatureSet:
    """The columns without blank or infinite cells."""
    kept = numbers.replace([np.inf, -np.inf], np.nan).dropna(axis=1)
    return FeatureSet(tuple(kept.index), tuple(map(str, kept)), kept.to_numpy(float))


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
