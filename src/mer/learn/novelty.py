"""The distance of a row of features from the training clips.

The rows of the training clips, standardized, are described by probabilistic principal components: the first
components with their variances, and one variance for all other directions. The distance of a row is that of
Mahalanobis under this model. Tipping, Bishop. Probabilistic Principal Component Analysis. Journal of the
Royal Statistical Society B 61(3), 1999.
"""

from collections.abc import Mapping

import numpy as np

from mer.learn.deviations import deviations, inverses

COMPONENTS = 50
CLIPS_PER_COMPONENT = 4  # of a small corpus
QUANTILE = 0.99
FOLDS = 10

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
    _, values, axes = np.linalg.svd(scores, full_matrices=False)
    variances = values**2 / len(rows)
    rest = variances[count:].sum() / max(rows.shape[1] - count, 1)
    # below this a variance is rounding: the table has a lower rank
    least = max(np.finfo(float).eps * variances[0], np.finfo(float).tiny)
    found |= {"axes": axes[:count], "variances": np.maximum(variances[:count], least)}
    return found | {"rest": np.array(max(rest, least))}


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
    """Rows by the mean and deviation of the training clips; 0 in a column that is constant over them."""
    return (rows - model["mean"]) * inverses(model["deviation"])
