"""Synthetic rows of a table of features: SMOTE (Chawla et al., 2002) and Gaussian noise."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from mer.schema.augmentation import Noise, Smote


def interpolate(
    points: np.ndarray, count: int, neighbours: int, rng: np.random.Generator
) -> np.ndarray:
    """New points on the lines between random points and one of their nearest neighbours.

    Parameters
    ----------
    points : np.ndarray [shape=(n, d)]
        Points of one class.
    count : int
        Number of new points.
    neighbours : int
        Number of nearest neighbours to choose from; fewer where the class has fewer.

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


def oversample(
    rows: np.ndarray, y: np.ndarray, oversampling: Noise | Smote, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """As many synthetic rows as there are rows, and their classes.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d)]
    y : np.ndarray [shape=(n,)]
    """
    if oversampling.method == "noise":
        return rows + rng.normal(0, oversampling.deviation, rows.shape) * rows.std(axis=0), y
    classes, counts = np.unique(y, return_counts=True)
    scale = np.maximum(rows.std(axis=0), np.finfo(float).tiny)
    new = [
        interpolate(rows[y == c] / scale, count, oversampling.neighbours, rng) * scale
        for c, count in zip(classes, counts, strict=True)
    ]
    return np.concatenate(new), classes.repeat(counts)
