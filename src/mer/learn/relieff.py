"""ReliefF: a column weighs more, the better it separates near neighbours of different classes.

Kononenko. Estimating Attributes: Analysis and Extensions of RELIEF. ECML 1994. Every row is a reference
row, distances and differences are computed from values scaled to 0..1, and the neighbours of each other
class are weighted by its prior.
"""

import math

import numpy as np

BLOCK = 64  # rows at once: 64 x 10 neighbours x 6373 columns are 33 MB


def weights(rows: np.ndarray, y: np.ndarray, neighbours: int) -> np.ndarray:
    """The weight of each column, in -1..1; 0 for a constant column.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d)]
    y : np.ndarray [shape=(n,)]
        Classes of the rows, two or more.
    neighbours : int
        Number of nearest rows of each class (Manhattan distance), or all where a class has fewer; of
        equally near rows, the first.
    """
    from scipy.spatial.distance import cdist

    scaled = to_unit(rows)
    classes, counts = np.unique(y, return_counts=True)
    prior = dict(zip(classes, counts / len(y)))
    total = np.zeros(rows.shape[1])
    for own in classes:
        members = np.flatnonzero(y == own)
        for block in np.array_split(members, math.ceil(len(members) / BLOCK)):
            distances = cdist(scaled[block], scaled, "cityblock")
            distances[np.arange(len(block)), block] = np.inf  # no row is its own neighbour
            for other in classes:
                candidates = np.flatnonzero(y == other)
                near = min(neighbours, len(candidates) - (own == other))
                order = distances[:, candidates].argsort(axis=1, kind="stable")[:, :near]
                differences = np.abs(scaled[block][:, None] - scaled[candidates[order]])
                share = -1 if own == other else prior[other] / (1 - prior[own])
                total += share * differences.sum(axis=(0, 1)) / max(near, 1)
    return total / len(y)


def to_unit(rows: np.ndarray) -> np.ndarray:
    """The columns, each scaled to 0..1 by its extremes; 0 where it is constant."""
    low, span = rows.min(axis=0), np.ptp(rows, axis=0)
    return np.divide(rows - low, span, out=np.zeros(rows.shape), where=span > 0)
