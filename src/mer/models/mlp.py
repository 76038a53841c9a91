"""Pandrea et al.'s baseline: a perceptron on the 50 features that chi-squared ranks first (methods C1-C3).

Features are brought to 0..1, the training part is cut down to as many rows of every class as the
rarest has, columns are ranked on what is left, and scikit-learn's defaults, but for two, do the rest.
"""

import numpy as np
from pydantic import PositiveFloat, PositiveInt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, minmax_scale

from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ("table",)
augments = "no"
fidelities: tuple[str, ...] = ("described", "released")

RELEASED_COLUMNS = 260


class Params(Block):
    """``models.mlp``.

    Attributes
    ----------
    alpha : weight of the L2 penalty
    max_iter : epochs at most
    k : so many of the best features stay; all where there are fewer
    restarts : perceptrons per fold; from another seed, each on other rows of the commoner classes and
        from other weights; each counts as a repeat of the fold
    """

    alpha: PositiveFloat
    max_iter: PositiveInt
    k: PositiveInt
    restarts: PositiveInt


def balanced(y: np.ndarray, seed: int) -> np.ndarray:
    """Rows of a sample with as many of every class as the rarest has, sorted."""
    rng, (classes, counts) = np.random.default_rng(seed), np.unique(y, return_counts=True)
    rows = [rng.choice(np.flatnonzero(y == c), counts.min(), replace=False) for c in classes]
    return np.sort(np.concatenate(rows))


class Perceptron(ClassifierMixin, BaseEstimator):
    """Scaler, balancing, selection and perceptron as one classifier."""

    def __init__(self, params: Params, seed: int, scaler: MinMaxScaler | str) -> None:
        self.params, self.seed, self.scaler = params, seed, scaler

    def fit(self, x: np.ndarray, y: np.ndarray) -> "Perceptron":
        """Fit on rows [shape=(n, d)]; everything but the scaler sees the balanced ones only."""
        rows, p = balanced(y, self.seed), self.params
        self.scaler_ = Pipeline([("scaler", self.scaler)]).fit(x)
        self.selection_ = SelectKBest(chi2, k=min(p.k, x.shape[1]))
        kept = self.selection_.fit_transform(self.scaler_.transform(x[rows]), y[rows])
        network = MLPClassifier(alpha=p.alpha, max_iter=p.max_iter, random_state=self.seed)
        self.network_ = network.fit(kept, y[rows])
        self.classes_ = self.network_.classes_
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """[shape=(n, classes)]."""
        kept = self.selection_.transform(self.scaler_.transform(x))
        return self.network_.predict_proba(kept)

    def get_support(self) -> np.ndarray:
        """Which columns were selected [shape=(d,), dtype=bool]."""
        return self.selection_.get_support()


def build(params: Params, *, seed: int, fidelity: str) -> ClassifierMixin:
    """An unfitted classifier of rows [shape=(n, d)].

    With ``fidelity: released`` it expects rows that ``released`` has scaled.
    """
    scaler = MinMaxScaler(clip=True) if fidelity == "described" else "passthrough"
    return Perceptron(params, seed, scaler)


def released(rows: np.ndarray, known: int) -> np.ndarray:
    """What the authors' notebooks do: training and test rows scaled each by their own extremes.

    And no more than the first 260 columns, which cuts the joined table off in its deltas.
    """
    return np.concatenate([minmax_scale(part) for part in (rows[:known], rows[known:])])[
        :, :RELEASED_COLUMNS
    ]
