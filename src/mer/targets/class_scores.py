"""Scores of classes, from counts of pairs of true and predicted classes."""

from collections.abc import Sequence

import numpy as np

from mer.predictions import Predictions


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


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Mean F1 of the classes that are among the true or the predicted ones.

    Parameters
    ----------
    counts : np.ndarray [shape=(..., C, C)]
        Confusion counts, rows true, columns predicted.

    Returns
    -------
    np.ndarray [shape=(...)], in 0..1
    """
    occurs = counts.sum(-1) + counts.sum(-2) > 0
    f1: np.ndarray = per_class(counts)[2].sum(-1) / occurs.sum(-1)
    return f1


def scores(counts: np.ndarray, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Every score of confusion counts, by name.

    Parameters
    ----------
    counts : np.ndarray [shape=(..., C, C)]

    Returns
    -------
    dict of str to np.ndarray [shape=(...)], in 0..1; NaN as F1 of a class that does not occur
    """
    precision, recall, f1 = per_class(counts)
    occurs = counts.sum(-1) + counts.sum(-2) > 0
    total = counts.sum((-2, -1))
    support = counts.sum(-1) / total[..., None]
    accuracy = np.trace(counts, axis1=-2, axis2=-1) / total
    return {
        "f1_macro": macro_f1(counts),
        "f1_micro": accuracy,
        "f1_weighted": (f1 * support).sum(-1),
        "precision_weighted": (precision * support).sum(-1),
        "recall_weighted": (recall * support).sum(-1),
        "accuracy": accuracy,
        **{
            f"f1_{name.lower()}": np.where(occurs, f1, np.nan)[..., c]
            for c, name in enumerate(classes)
        },
    }


def of_constant(counts: np.ndarray) -> np.ndarray:
    """The counts of always answering one class: that with the largest share, as a mean over the folds.

    Parameters
    ----------
    counts : np.ndarray [shape=(folds, C, C)]

    Returns
    -------
    np.ndarray [shape=(folds, C, C)]
    """
    actual = counts.sum(-1)
    best = (actual / actual.sum(-1, keepdims=True)).mean(0).argmax()
    found = np.zeros_like(counts)
    found[..., best] = actual
    return found


def terms(predictions: Predictions) -> np.ndarray:
    """The terms of each prediction in the counts [shape=(rows, C, C)]: 1 at its pair of classes."""
    n = len(predictions.classes)
    return np.eye(n * n)[predictions.y_true * n + predictions.y_pred].reshape(-1, n, n)
