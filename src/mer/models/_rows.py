"""Steps of a scikit-learn pipeline that scale the rows of a table for a kernel or a linear model."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

COLUMNS = 100  # of the table that C and gamma are for


def scaled_to_100_columns(rows: np.ndarray) -> np.ndarray:
    """Rows whose squared distances are as large as if the table had 100 columns [shape=(n, d)]."""
    return rows * np.sqrt(COLUMNS / rows.shape[1])


def steps(limit: float | None, scaler: "BaseEstimator | str | None" = None) -> dict[str, Any]:
    """Pipeline steps that scale the columns, clip far-off values, and scale rows as if of 100 columns.

    Parameters
    ----------
    limit : float or None
        Values further than so many standard deviations from the mean of the training clips are clipped
        to that; None for no limit.
    scaler : estimator, "passthrough" or None
        None for a ``StandardScaler``.
    """
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    limits = {"a_min": -limit, "a_max": limit} if limit else None
    return {
        "scaler": scaler or StandardScaler(),
        "clip": FunctionTransformer(np.clip, kw_args=limits) if limits else "passthrough",
        "width": FunctionTransformer(scaled_to_100_columns),
    }
