"""Every score, from ``Predictions`` only.

Conventions: scores lie in 0..1. A score of a repeated cross-validation is the mean over all its test
folds, as Louro et al. and most of the field report it; ``f1_macro_sd`` is the standard deviation over
these folds. A class that a fold neither contains nor predicts counts 0.
"""

import numpy as np

from mer.types import Predictions

BOOTSTRAP_DRAWS = 2000
LEVEL = 0.95
DIGITS = 4


def confusion(y_true: np.ndarray, y_pred: np.ndarray, n_classes: int) -> np.ndarray:
    """Counts of (true, predicted) pairs [shape=(C, C)]."""
    pairs = np.bincount(y_true * n_classes + y_pred, minlength=n_classes**2)
    return pairs.reshape(n_classes, n_classes)


def per_class(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 of each class; 0 where undefined.

    Parameters
    ----------
    counts : np.ndarray [shape=(..., C, C)]
        Confusion counts, rows true, columns predicted.

    Returns
    -------
    precision, recall, f1 : np.ndarray [shape=(..., C)]
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1).astype(float)
    predicted, true = counts.sum(-2), counts.sum(-1)
    precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
    recall = np.divide(hits, true, out=np.zeros_like(hits), where=true > 0)
    total = predicted + true
    f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
    return precision, recall, f1


def fold_confusions(predictions: Predictions) -> np.ndarray:
    """Confusion counts of every test fold, by repeat, then fold [shape=(folds, C, C)]."""
    frame = predictions.frame[["repeat", "fold"]].assign(
        y_true=predictions.y_true, y_pred=predictions.y_pred
    )
    n = len(predictions.classes)
    return np.stack(
        [
            confusion(rows["y_true"].to_numpy(), rows["y_pred"].to_numpy(), n)
            for _, rows in frame.groupby(["repeat", "fold"], sort=True)
        ]
    )


def interval(predictions: Predictions, seed: int) -> tuple[float, float]:
    """95 % percentile bootstrap interval of macro-F1, the clip as the unit.

    Each draw takes as many clips as there are, with replacement, with all their repeats; macro-F1 is
    computed per repeat over all its folds and averaged. It says how far the figure would move with
    other clips, not with other training runs.

    Returns
    -------
    low, high : float in 0..1
    """
    n = len(predictions.classes)
    clips, row = np.unique(predictions.frame["id"].to_numpy(object), return_inverse=True)
    repeats, repeat = np.unique(predictions.frame["repeat"], return_inverse=True)
    pair = predictions.y_true * n + predictions.y_pred
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(clips), np.full(len(clips), 1 / len(clips)), BOOTSTRAP_DRAWS)
    scores = np.zeros(BOOTSTRAP_DRAWS)
    for r in range(len(repeats)):
        one_hot = np.zeros((len(clips), n * n))
        one_hot[row[repeat == r], pair[repeat == r]] = 1
        counts = (weights @ one_hot).reshape(-1, n, n)
        scores += per_class(counts)[2].mean(axis=-1)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(scores / len(repeats), [tail, 1 - tail])
    return float(low), float(high)


def averages(predictions: Predictions) -> dict[str, float]:
    """Scores as means over the test folds, to 4 digits."""
    counts = fold_confusions(predictions)
    precision, recall, f1 = per_class(counts)
    support = counts.sum(-1) / counts.sum((-2, -1), keepdims=False)[:, None]
    macro = f1.mean(axis=1)
    figures: dict[str, float] = {
        "f1_macro": macro.mean(),
        "f1_macro_sd": macro.std(ddof=1) if len(macro) > 1 else 0.0,
        "f1_weighted": (f1 * support).sum(1).mean(),
        "precision_weighted": (precision * support).sum(1).mean(),
        "recall_weighted": (recall * support).sum(1).mean(),
        "accuracy": (np.trace(counts, axis1=1, axis2=2) / counts.sum((1, 2))).mean(),
        **{f"f1_{c.lower()}": f for c, f in zip(predictions.classes, f1.mean(axis=0), strict=True)},
    }
    return {name: round(float(value), DIGITS) for name, value in figures.items()}


def summary(predictions: Predictions, seed: int) -> dict[str, float | int]:
    """All figures of ``metrics/run.json`` that follow from the predictions, to 4 digits.

    ``constant_accuracy`` is what always answering the most frequent class of the test clips gets.
    """
    low, high = interval(predictions, seed)
    frequency = np.bincount(predictions.y_true, minlength=len(predictions.classes))
    return {
        "n_clips": int(predictions.frame["id"].nunique()),
        "n_folds": len(predictions.frame[["repeat", "fold"]].drop_duplicates()),
        **averages(predictions),
        "ci_low": round(low, DIGITS),
        "ci_high": round(high, DIGITS),
        "constant_accuracy": round(float(frequency.max() / frequency.sum()), DIGITS),
    }
