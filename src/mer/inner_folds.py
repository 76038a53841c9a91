"""Folds inside of a training part, for a search or a stacking by scikit-learn."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import DisjointSet
from sklearn.model_selection import (
    BaseCrossValidator,
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from mer.errors import MerError

SCORING = {"classes": "f1_macro", "values": "neg_mean_squared_error"}  # by target


def _row_digest(row: np.ndarray) -> bytes:
    """A digest of a row of a table, which identifies it."""
    return hashlib.blake2b(np.ascontiguousarray(row).tobytes(), digest_size=16).digest()


class InnerFolds(BaseCrossValidator):
    """Shuffled folds of the training clips, for a search or a stacking: stratified where ``y`` has classes.

    Parameters
    ----------
    n_splits : int
        Number of folds, reduced to the size of the largest class, or to the number of groups, where that
        is smaller. A fold without clips, which few large groups leave, is left out.
    random_state : int
    groups : mapping of bytes to str, or None
        Digest of a row -> group that stays on one side; ``keeping`` makes it. scikit-learn gives a nested
        cross-validation rows without their indices, so a digest of the values identifies a row.
    """

    def __init__(
        self, n_splits: int, random_state: int, groups: Mapping[bytes, str] | None = None
    ) -> None:
        self.n_splits, self.random_state, self.groups = n_splits, random_state, groups

    def keeping(self, rows: np.ndarray, groups: Sequence[str]) -> "InnerFolds":
        """The same folds, with the rows [shape=(n, d)] of each group on one side, and equal rows too."""
        sets, first = DisjointSet(groups), dict[bytes, str]()
        for row, group in zip(rows, groups, strict=True):
            sets.merge(first.setdefault(_row_digest(row), group), group)
        found = {digest: sets[group] for digest, group in first.items()}
        return InnerFolds(self.n_splits, self.random_state, found)

    def _splitter(self, rows: Any, y: Any) -> tuple[BaseCrossValidator, np.ndarray | None]:
        """The splitter of scikit-learn, and the group of each row."""
        y, group = np.asarray(y), None
        classes = y.dtype.kind != "f"
        most = int(np.unique(y, return_counts=True)[1].max()) if classes else len(y)
        if self.groups is not None:
            group = np.array([self.groups[_row_digest(row)] for row in rows])
            most = min(most, len(np.unique(group)))
        if most < 2:
            raise MerError(
                "an inner cross-validation must have two training clips of one class, and two artists with "
                f"different features where it keeps artists apart, and the {len(y)} clips are too few; "
                "label more clips, or set `search` of the model to none and, of fusion, `combine` to "
                "features"
            )
        kinds = {
            (True, False): StratifiedKFold,
            (True, True): StratifiedGroupKFold,
            (False, False): KFold,
            (False, True): GroupKFold,
        }
        kind = kinds[classes, group is not None]
        count = min(self.n_splits, most)
        return kind(count, shuffle=True, random_state=self.random_state), group

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """The number of folds of rows with the classes or values ``y`` [shape=(n,)]."""
        if self.groups is None:
            return self._splitter(X, y)[0].get_n_splits()
        return sum(1 for _ in self.split(X, y))

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple]:  # noqa: ARG002
        """Indices of the training and the test rows of each fold."""
        splitter, group = self._splitter(X, y)
        return (sides for sides in splitter.split(X, y, group) if all(map(len, sides)))
