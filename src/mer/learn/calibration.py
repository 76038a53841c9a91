"""Calibration of class probabilities, on predictions of clips that were not trained on.

Guo, Pleiss, Sun, Weinberger. On Calibration of Modern Neural Networks. ICML 2017: temperature scaling and
the expected calibration error. Sadinle, Lei, Wasserman. Least Ambiguous Set-Valued Classifiers With Bounded
Error Levels. JASA 114, 2019: the sets of classes that hold the true one with a given frequency.
"""

import numpy as np

from mer.predictions import Predictions

SMALLEST = 5e-5  # probability; predictions are rounded to 1e-4
BINS = 10
COVERAGE = 0.8  # frequency with which a set must hold the true class


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities [shape=(n, C)] whose logarithms are divided by ``temperature``."""
    powers = np.maximum(probabilities, SMALLEST) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(probabilities: np.ndarray, y_true: np.ndarray) -> float:
    """The temperature that maximizes the likelihood of the true classes; above 1 for overconfident ones.

    Parameters
    ----------
    probabilities : np.ndarray [shape=(n, C)]
    y_true : np.ndarray [shape=(n,), dtype=int]
    """
    from scipy.optimize import minimize_scalar  # which answers of a fitted system do not load

    def loss(logarithm: float) -> float:
        found = tempered(probabilities, np.exp(logarithm))
        return -float(np.log(found[np.arange(len(y_true)), y_true]).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """The expected calibration error, over ten bins of equal width, in 0..1.

    Parameters
    ----------
    confidence : np.ndarray [shape=(n,)]
        Probability of the predicted class.
    correct : np.ndarray [shape=(n,), dtype=bool]
    """
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, correct - confidence, BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def conformal_threshold(probabilities: np.ndarray, y_true: np.ndarray) -> float:
    """The threshold of a conformal set of classes, which holds the true class in ``COVERAGE`` of the clips.

    The set holds the classes of at least this probability; the frequency is that of clips like these. With
    too few clips to tell, the threshold is 0.
    """
    own = np.sort(probabilities[np.arange(len(y_true)), y_true])
    rank = int(round((1 - COVERAGE) * (len(own) + 1), 9))  # 0.2 of 10 is 2, not 1.99…
    return float(own[rank - 1]) if rank else 0.0


def cross_fitted(predictions: Predictions) -> np.ndarray:
    """Tempered probabilities of every row, by the temperature of the other folds of its repeat.

    Returns
    -------
    np.ndarray [shape=(rows, C)]
        A repeat of a single fold is left as it is.
    """
    found, y_true = predictions.probabilities.copy(), predictions.y_true
    for _, rows in predictions.frame.reset_index(drop=True).groupby("repeat"):
        raw, folds = predictions.probabilities, rows["fold"]
        for fold in set(folds) if folds.nunique() > 1 else ():
            own, others = folds.index[folds == fold], folds.index[folds != fold]
            fitted = fit_temperature(raw[others], y_true[others])
            found[own] = tempered(raw[own], fitted)
    return found
