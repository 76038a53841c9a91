"""Louro et al.'s row "OpenL3", after Koh & Dubnov: a random forest on the family ``openl3``.

The forest has scikit-learn's defaults, as in the authors' code (docs/methods.md, "Louro's OpenL3").
The code reads the first window of a clip only: ``fidelity: released`` needs ``pooling: first`` of the
family.
"""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier

from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ("table",)
augments = "no"
predicts: tuple[str, ...] = ("classes",)
fidelities: tuple[str, ...] = ("described", "released")


class Params(Block):
    """``models.openl3_rf`` has no parameters."""


def build(params: Params, *, seed: int, fidelity: str, predicts: str) -> ClassifierMixin:
    """An unfitted classifier of rows [shape=(n, d)]."""
    return RandomForestClassifier(random_state=seed)


def released(rows: np.ndarray, n_train: int) -> np.ndarray:
    """The table as it is: the authors' code does not scale it."""
    return rows
