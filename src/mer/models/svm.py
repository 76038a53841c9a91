"""Support vector machine on a table of handcrafted features (Louro et al., row "SVM Baseline").

Louro et al. use the published top-100 columns and 10 x 10 folds. The paper does not state the kernel, C and
gamma that its search found. The radial kernel and those of params.yaml, 8 and 2**-9, are Panda et al.'s
(TAFFC 2020), chosen, like the columns, on all clips. The authors scale all clips at once; here the scaler
is fitted to the training clips only (docs/methods.md, "Louro's SVM").

Values are predicted by one support vector regression each, with scikit-learn's epsilon: 0.1 of the scale.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import scale
from sklearn.svm import SVC, SVR

from mer.inner_folds import SCORING, InnerFolds
from mer.models import _rows
from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ("table",)
augments = "no"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")

SPACE = {
    "c": (1e-6, 100.0),
    "gamma": (1e-6, 100.0),
}  # of the authors' code, uniform in the logarithm


class Params(Block):
    """``models.svm``.

    Attributes
    ----------
    c, gamma : penalty and kernel coefficient where ``search`` is ``none``. gamma is that of a table of 100
        columns, as published; a table of d columns gets gamma * 100 / d, which keeps the width of the
        kernel
    limit : values further than so many standard deviations from the mean of the training clips are
        clipped to that distance, because far-off values make every kernel value zero and every prediction
        the same; null turns clipping off
    search : ``grid`` and ``bayes`` choose both by a cross-validation of the training clips
    folds : folds of that inner cross-validation
    grid_c, grid_gamma : candidates of ``grid``
    trials : trials of ``bayes``, whose candidates are ``SPACE``
    """

    c: PositiveFloat
    gamma: PositiveFloat
    limit: PositiveFloat | None = None
    search: Literal["none", "grid", "bayes"]
    folds: Annotated[int, Field(ge=2)]
    grid_c: Annotated[list[PositiveFloat], Field(min_length=1)]
    grid_gamma: Annotated[list[PositiveFloat], Field(min_length=1)]
    trials: PositiveInt


def build(params: Params, *, seed: int, fidelity: str, predicts: str) -> BaseEstimator:
    """An unfitted scikit-learn estimator of rows [shape=(n, d)].

    The classifier has no calibrated probabilities, only a ``decision_function``. With ``fidelity:
    released`` the rows must have been scaled by ``released``, and no value is clipped. The grid search
    maximises macro-F1, or minimises the squared error; the trainer runs the Bayesian one.
    """
    kind = SVR if predicts == "values" else SVC
    scaler, limit = (None, params.limit) if fidelity == "described" else ("passthrough", None)
    steps = {**_rows.steps(limit, scaler), "svm": kind(C=params.c, gamma=params.gamma)}
    found = Pipeline(list(steps.items()))
    if params.search == "grid":
        grid = {"svm__C": params.grid_c, "svm__gamma": params.grid_gamma}
        inner = InnerFolds(params.folds, seed)
        found = GridSearchCV(found, grid, scoring=SCORING[predicts], cv=inner)
    return found if predicts == "classes" else MultiOutputRegressor(found)


def released(rows: np.ndarray, n_train: int) -> np.ndarray:
    """The rows as the authors' code scales them: all at once, test clips included."""
    return scale(rows)
