"""The standard deviations of the columns of a table."""

import numpy as np


def deviations(rows: np.ndarray) -> np.ndarray:
    """Standard deviation of each column [shape=(d,)]; exactly 0 where a column is constant.

    NumPy gives a constant column of floats a deviation of some rounding, by which nothing can be divided.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d)]
    """
    return np.where(np.ptp(rows, axis=0) > 0, rows.std(axis=0), 0)


def inverses(deviation: np.ndarray) -> np.ndarray:
    """1 over each standard deviation, and 0 of a column that is constant [shape=(d,)]."""
    return np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
