"""The distance of a row of features from the training clips.

The rows of the training clips, standardized, are described by probabilistic principal components: the first
components with their variances, and one variance for all other directions. The distance of a row is that of
Mahalanobis under this model. Tipping, Bishop. Probabilistic Principal Component Analysis. Journal of the
Royal Statistical Society B 61(3), 1999.

A value counts as ``FARTHEST`` deviations where it is farther from the mean. Otherwise columns that hardly
vary over the training clips would decide the distances. With the 6373 columns of ComParE and 700 clips of
4QAED for training, 36 of 40 clips of piano music exceed the limit, and 22 would without this.
"""

from collections.abc import Mapping

import numpy as np
from scipy.linalg import eigh

from mer.learn.deviations import deviations, inverses

COMPONENTS = 50
CLIPS_PER_COMPONENT = 4  # of a small corpus
QUANTILE = 0.99
FOLDS = 10
FARTHEST = 10.0  # deviations
RANK = 1e-10  # of the largest variance: smaller ones are rounding

Arrays = Mapping[str, np.ndarray]


def fit(rows: np.ndarray) -> dict[str, np.ndarray]:
    """The model of the rows of training clips.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d)]

    Returns
    -------
    dict of str to np.ndarray
        ``mean`` and ``deviation`` [shape=(d,)], ``axes`` [shape=(k, d)], ``variances`` [shape=(k,)] and
        ``rest`` [shape=()], the variance of the other directions.
    """
    rows = rows.astype(np.float64)
    found = {"mean": rows.mean(axis=0), "deviation": deviations(rows)}
    scores = _standardized(rows, found)
    count = max(min(COMPONENTS, len(rows) // CLIPS_PER_COMPONENT, rows.shape[1] // 2), 1)
    variances, axes = _components(scores, count)
    least = max(RANK * variances.max(initial=0), np.finfo(float).tiny)
    total = (scores**2).sum() / len(rows)
    rest = (total - variances.sum()) / max(rows.shape[1] - count, 1)
    return found | {"axes": axes, "variances": variances, "rest": np.array(max(rest, least))}


def _components(scores: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first principal components: variances [shape=(k,)] and axes [shape=(k, d)], at most ``count``.

    They come from the products of the rows or of the columns, whichever are fewer, which takes less time
    than a singular value decomposition.
    """
    n, d = scores.shape
    products = scores.T @ scores if d <= n else scores @ scores.T
    last = len(products) - 1
    values, vectors = eigh(products, subset_by_index=(max(last - count + 1, 0), last))
    kept = values > max(RANK * values[-1], np.finfo(float).tiny)
    values, vectors = values[kept][::-1], vectors[:, kept][:, ::-1]
    axes = vectors if d <= n else scores.T @ vectors / np.sqrt(values)
    return values / n, np.ascontiguousarray(axes.T)


def distances(rows: np.ndarray, model: Arrays) -> np.ndarray:
    """Distance of each row from the training clips [shape=(n,)]: about 1 for one of them."""
    scores = _standardized(rows, model)
    along = scores @ model["axes"].T
    outside = (scores**2).sum(axis=1) - (along**2).sum(axis=1)
    squares = (along**2 / model["variances"]).sum(axis=1) + np.maximum(outside, 0) / model["rest"]
    return np.sqrt(squares / rows.shape[1])


def distance_limit(rows: np.ndarray) -> float:
    """The 0.99 quantile of the distances of the training clips, each from a model of the other folds."""
    from sklearn.model_selection import KFold  # the import takes a second

    found = np.empty(len(rows))
    for known, own in KFold(min(FOLDS, len(rows)), shuffle=True, random_state=0).split(rows):
        found[own] = distances(rows[own], fit(rows[known]))
    return float(np.quantile(found, QUANTILE))


def _standardized(rows: np.ndarray, model: Arrays) -> np.ndarray:
    """Rows in deviations from the mean of the training clips; 0 in a column that is constant over them."""
    scores = (rows - model["mean"]) * inverses(model["deviation"])
    return np.clip(scores, -FARTHEST, FARTHEST)
