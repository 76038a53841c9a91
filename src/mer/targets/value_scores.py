"""Scores of values, from sums of moments of annotations and predictions."""

from collections.abc import Sequence

import numpy as np

from mer.predictions import ValuePredictions

NO_VARIANCE = 1e-12  # of values in 0..1: less is rounding


def _quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient; 0 where the denominator is no more than rounding."""
    out = np.zeros_like(numerator)
    return np.divide(numerator, denominator, out=out, where=denominator > NO_VARIANCE)


def scores(sums: np.ndarray, names: Sequence[str], span: float) -> dict[str, np.ndarray]:
    """Every score of sums of moments, by name: the mean over the values, then, of several, each value's.

    Parameters
    ----------
    sums : np.ndarray [shape=(..., k, 6)]
        Of 1, y, p, y^2, p^2 and y * p, where y are annotations and p predictions in 0..1.
    span : float
        Width of the corpus' scale.

    Returns
    -------
    dict of str to np.ndarray [shape=(...)]
        NaN where the sums are of no prediction. Lin, "A Concordance Correlation Coefficient to Evaluate
        Reproducibility", Biometrics 45, 1989, has the definition of ``ccc``.
    """
    means = _quotient(sums[..., 1:], sums[..., :1])
    mean_y, mean_p, square_y, square_p, product = np.moveaxis(means, -1, 0)
    var_y, var_p, covariance = square_y - mean_y**2, square_p - mean_p**2, product - mean_y * mean_p
    error = square_y - 2 * product + square_p
    varies = np.minimum(var_y, var_p) > NO_VARIANCE
    found = {
        "ccc": np.where(
            varies, _quotient(2 * covariance, var_y + var_p + (mean_y - mean_p) ** 2), 0
        ),
        "rmse": span * np.sqrt(error.clip(0)),
        "r2": np.where(var_y > NO_VARIANCE, 1 - _quotient(error, var_y), 0),
        "pearson": np.where(varies, covariance / np.sqrt((var_y * var_p).clip(NO_VARIANCE**2)), 0),
    }
    found = {name: np.where(sums[..., 0] > 0, values, np.nan) for name, values in found.items()}
    named = {name: values.mean(-1) for name, values in found.items()}
    if len(names) > 1:
        for name, values in found.items():
            named |= {f"{name}_{value}": values[..., place] for place, value in enumerate(names)}
    return named


def terms(predictions: ValuePredictions) -> np.ndarray:
    """The moments of each prediction, of values in 0..1 [shape=(rows, k, 6)]."""
    low, high = predictions.scale
    y, p = ((predictions.part(part) - low) / (high - low) for part in ("y", "p"))
    return np.stack([np.ones_like(y), y, p, y**2, p**2, y * p], axis=-1)
