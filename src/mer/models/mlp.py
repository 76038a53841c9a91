"""Pandrea et al.'s baseline: a multilayer perceptron on the 50 features that chi-squared ranks first.

Features are scaled to 0..1, the rows of every class are randomly reduced to the number of the rarest class,
and columns are ranked on the remaining rows. In a merged corpus, every class of every member is reduced to
the number of the rarest (thesis, section 3.4). The perceptron has scikit-learn's defaults, except for
``alpha`` and ``max_iter`` (docs/methods.md, "Pandrea's MLP"). For values, columns are ranked by their
correlation with these, on all rows.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import PositiveFloat, PositiveInt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.feature_selection import SelectKBest, chi2, r_regression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, minmax_scale

from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ("table", "sources")
augments = "no"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")

RELEASED_COLUMNS = 260


class Params(Block):
    """``models.mlp``.

    Attributes
    ----------
    alpha : weight of the L2 penalty
    max_iter : limit of epochs
    k : number of features that are selected; all where there are fewer
    restarts : perceptrons per fold, from other seeds, which decide the rows of the more frequent classes
        and the initial weights; each counts as a repeat of the fold
    """

    alpha: PositiveFloat
    max_iter: PositiveInt
    k: PositiveInt
    restarts: PositiveInt


def balanced(y: np.ndarray, seed: int, sources: np.ndarray | None = None) -> np.ndarray:
    """Numbers of a random sample of rows with as many of every class as the rarest has, sorted.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=int]
    sources : np.ndarray [shape=(n,)] or None
        The corpus of each row: then every class of every corpus has as many rows as the rarest.
    """
    strata = y
    if sources is not None:
        _, corpora = np.unique(sources, return_inverse=True)
        strata = corpora * (y.max() + 1) + y
    rng, (found, counts) = np.random.default_rng(seed), np.unique(strata, return_counts=True)
    rows = [rng.choice(np.flatnonzero(strata == s), counts.min(), replace=False) for s in found]
    return np.sort(np.concatenate(rows))


def correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The absolute correlation of each column with the values, as a mean over the values [shape=(d,)]."""
    return np.mean([np.abs(r_regression(x, value)) for value in y.T], axis=0)


class _SelectKBestMLP(BaseEstimator):
    """A scaler, the columns that rank best, and a perceptron on them.

    Attributes
    ----------
    score_func : callable
        The score of each column.
    mlp_class : class
        The perceptron.
    """

    score_func: Callable[..., Any]
    mlp_class: type[MLPClassifier | MLPRegressor]

    def __init__(self, params: Params, seed: int, scaler: MinMaxScaler | str) -> None:
        self.params, self.seed, self.scaler = params, seed, scaler
        self.scaling = Pipeline([("scaler", scaler)])
        self.selection = SelectKBest(self.score_func, k=params.k)
        self.network = self.mlp_class(
            alpha=params.alpha, max_iter=params.max_iter, random_state=seed
        )

    def _fit(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray | slice) -> None:
        """Fit the scaler to all rows [shape=(n, d)], and the rest to ``rows`` of them."""
        self.scaling.fit(x)
        self.selection.set_params(k=min(self.params.k, x.shape[1]))
        kept = self.selection.fit_transform(self.scaling.transform(x[rows]), y[rows])
        single = y.ndim == 2 and y.shape[1] == 1
        self.network.fit(kept, y[rows].ravel() if single else y[rows])

    def _kept(self, x: np.ndarray) -> np.ndarray:
        """The selected columns of rows, scaled [shape=(n, k)]."""
        return self.selection.transform(self.scaling.transform(x))

    def get_support(self) -> np.ndarray:
        """A mask of the selected columns [shape=(d,), dtype=bool]."""
        return self.selection.get_support()


class Perceptron(ClassifierMixin, _SelectKBestMLP):
    """Scaler, balancing, feature selection and perceptron as one classifier."""

    score_func, mlp_class = staticmethod(chi2), MLPClassifier

    def fit(self, x: np.ndarray, y: np.ndarray, sources: np.ndarray | None = None) -> "Perceptron":
        """Fit on rows [shape=(n, d)]; the scaler is fitted to all rows, the rest to the balanced ones."""
        self._fit(x, y, balanced(y, self.seed, sources))
        self.classes_ = self.network.classes_
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Class probabilities [shape=(n, classes)]."""
        return self.network.predict_proba(self._kept(x))


class PerceptronRegressor(RegressorMixin, _SelectKBestMLP):
    """Scaler, feature selection and perceptron as one regressor."""

    score_func, mlp_class = staticmethod(correlations), MLPRegressor

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        sources: np.ndarray | None = None,  # noqa: ARG002 (values are not balanced)
    ) -> "PerceptronRegressor":
        """Fit on rows [shape=(n, d)] and their values [shape=(n, outputs)]."""
        self._fit(x, y, slice(None))
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Values [shape=(n, outputs)]."""
        return self.network.predict(self._kept(x)).reshape(len(x), -1)


def build(params: Params, *, seed: int, fidelity: str, predicts: str) -> BaseEstimator:
    """An unfitted estimator of rows [shape=(n, d)].

    With ``fidelity: released`` the rows must have been scaled by ``released``.
    """
    scaler = MinMaxScaler(clip=True) if fidelity == "described" else "passthrough"
    kind = Perceptron if predicts == "classes" else PerceptronRegressor
    return kind(params, seed, scaler)


def released(rows: np.ndarray, n_train: int) -> np.ndarray:
    """The rows as the authors' notebooks scale them: training and test rows each by their own extremes.

    Only the first 260 columns are kept, which ends amid the delta features of the concatenated table.
    """
    return np.concatenate([minmax_scale(part) for part in (rows[:n_train], rows[n_train:])])[
        :, :RELEASED_COLUMNS
    ]
