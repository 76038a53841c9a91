"""Selection of the columns of a table: by the catalogue of the family, and by rank inside a fold."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from mer import registry
from mer.errors import MerError
from mer.learn import relieff
from mer.schema.feature_selection import Columns
from mer.targets.target import Label
from mer.types import FeatureTable

if TYPE_CHECKING:
    from mer.contracts.interfaces import CataloguedFamily


def _scores(rows: np.ndarray, y: np.ndarray, columns: Columns) -> np.ndarray:
    """The score of each column, higher for one that separates the classes better [shape=(d,)]."""
    if columns.select == "relieff":
        return relieff.weights(rows, y, columns.neighbours)
    from sklearn.feature_selection import chi2  # the import takes a second

    varies = np.ptp(rows, axis=0) > 0
    scores = np.full(rows.shape[1], -np.inf)
    scores[varies] = chi2(relieff.to_unit(rows)[:, varies], y)[0]
    return scores


def catalogued_columns(table: FeatureTable, family: str, columns: Columns) -> FeatureTable:
    """The table with the columns that the catalogue gives these values.

    Raises
    ------
    MerError
        If there is no such column.
    """
    catalogue = cast("CataloguedFamily", registry.get("features", family)).catalogue()
    wanted = {k: v for k, v in columns.restrictions.items() if k != "grades"}
    names = [
        name
        for name in table.names
        if catalogue[name].grade in columns.grades
        and all(getattr(catalogue[name], key) == value for key, value in wanted.items())
    ]
    if not names:
        raise MerError(
            f"columns: the family {family!r} has none with {columns.restrictions}; widen the block"
        )
    return table.select_columns(names)


def best_columns(
    table: FeatureTable, labels: Mapping[str, Label], ids: Sequence[str], columns: Columns
) -> FeatureTable:
    """The table with the best columns, ranked on the clips ``ids`` alone, in the order of the table.

    Raises
    ------
    MerError
        If ``columns.k`` exceeds the columns of the table.
    """
    if columns.select == "none":
        return table
    if columns.k > len(table.names):
        raise MerError(
            f"columns.k={columns.k} must be at most {len(table.names)}, the columns of the table; lower it"
        )
    y = np.array([labels[id_] for id_ in ids])
    scores = _scores(table.rows(ids).astype(float), y, columns)
    ranked = (-scores).argsort(kind="stable")
    return table.select_columns([table.names[i] for i in sorted(ranked[: columns.k])])
