"""New rows of a table of features, of the same classes (Chawla et al., 2002, for those in between)."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from mer.schema.augmentation import Noise, Smote


def between(
    points: np.ndarray, count: int, neighbours: int, rng: np.random.Generator
) -> np.ndarray:
    """New points on the lines from random ones to one of their nearest neighbours.

    Parameters
    ----------
    points : np.ndarray [shape=(n, d)]
        Of one class.
    count : int
    neighbours : int
        How many of the nearest; fewer where there are no more.

    Returns
    -------
    np.ndarray [shape=(count, d)]
    """
    near = min(neighbours, len(points) - 1)
    first = rng.integers(len(points), size=count)
    if near < 1:
        return points[first]
    found = NearestNeighbors(n_neighbors=near + 1).fit(points).kneighbors(points[first])[1]
    second = found[np.arange(count), 1 + rng.integers(near, size=count)]
    share = rng.uniform(size=(count, 1)).astype(points.dtype)
    return points[first] + share * (points[second] - points[first])


def more(
    rows: np.ndarray, y: np.ndarray, made: Noise | Smote, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """As many rows again, as ``made`` says, and their classes.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d)]
    y : np.ndarray [shape=(n,)]
    """
    if made.method == "noise":
        return rows + rng.normal(0, made.deviation, rows.shape) * rows.std(axis=0), y
    classes, counts = np.unique(y, return_counts=True)
    scale = np.maximum(rows.std(axis=0), np.finfo(float).tiny)
    new = [
        between(rows[y == c] / scale, count, made.neighbours, rng) * scale
        for c, count in zip(classes, counts, strict=True)
    ]
    return np.concatenate(new), classes.repeat(counts)
