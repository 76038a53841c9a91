"""A table of features without a corpus: rows that are there more than once."""

from pathlib import Path

import numpy as np
import pandas as pd

from mer.audit import duplicates
from mer.errors import MerError
from mer.types import FeatureSet

CLASS_COLUMNS = ("quadrant", "label", "class", "emotion")


def read(path: Path) -> tuple[FeatureSet, dict[str, str]]:
    """The columns of numbers of a CSV file, and the class of each row; an id is the row's line.

    The class is in the first column of ``CLASS_COLUMNS`` that is there, in upper or lower case; without
    one, all rows are of one class.

    Raises
    ------
    MerError
        If the file is no table with columns of numbers.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise MerError(
            f"{path} must be a table in CSV ({error}); give one with a header"
        ) from error
    numbers = table.select_dtypes("number").replace([np.inf, -np.inf], np.nan).dropna(axis=1)
    if numbers.empty:
        raise MerError(
            f"{path} must have columns of numbers, not only {list(table.columns)}; add some"
        )
    ids = tuple(f"line {line}" for line in range(2, len(table) + 2))
    lowered = {str(column).lower(): column for column in reversed(table.columns)}
    column = next((lowered[name] for name in CLASS_COLUMNS if name in lowered), None)
    classes = table[column].astype(str) if column is not None else [""] * len(table)
    return FeatureSet(ids, tuple(map(str, numbers)), numbers.to_numpy(float)), dict(
        zip(ids, classes)
    )


def repeated(features: FeatureSet) -> list[duplicates.Pair]:
    """Each row that equals an earlier one, with one of these."""
    rows = zip(features.ids, features.values, strict=True)
    return duplicates.same({id_: row.tobytes().hex() for id_, row in rows})
