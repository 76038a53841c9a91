"""Support vector machine on a table of handcrafted features (Louro et al., row "SVM").

On the published top-100 columns, with a radial kernel, in 10 x 10 folds. The paper does not say which C
and gamma its search found; those of params.yaml, 8 and 2**-9, are of Panda et al. (TAFFC 2020), chosen, as
the columns were, on all clips. The authors scale all clips at once; here the scaler, like whatever else
is fitted, sees the training part only.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveFloat
from sklearn.base import ClassifierMixin
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, scale
from sklearn.svm import SVC

from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ("table",)
augments = "no"
fidelities: tuple[str, ...] = ("described", "released")

PUBLISHED_COLUMNS = 100


class Params(Block):
    """``models.svm``.

    Attributes
    ----------
    c, gamma : used where ``search`` is ``none``; gamma is for a table of 100 columns, as published, and
        one of d columns takes gamma * 100 / d, which keeps the kernel as wide as it was
    search : ``grid`` chooses both by cross-validation inside each training part
    folds : folds of that inner cross-validation
    grid_c, grid_gamma : its candidates
    """

    c: PositiveFloat
    gamma: PositiveFloat
    search: Literal["none", "grid"]
    folds: Annotated[int, Field(ge=2)]
    grid_c: Annotated[list[PositiveFloat], Field(min_length=1)]
    grid_gamma: Annotated[list[PositiveFloat], Field(min_length=1)]


def _as_wide_as_published(rows: np.ndarray) -> np.ndarray:
    """Rows whose squared distances are as large as those of 100 columns."""
    return rows * np.sqrt(PUBLISHED_COLUMNS / rows.shape[1])


def build(params: Params, *, seed: int, fidelity: str) -> ClassifierMixin:
    """An unfitted scikit-learn classifier of rows [shape=(n, d)].

    It has no calibrated probabilities, only a ``decision_function``. With ``fidelity: released`` it
    expects rows that ``released`` has scaled.
    """
    svc = SVC(C=params.c, gamma=params.gamma)
    scaler = StandardScaler() if fidelity == "described" else "passthrough"
    pipeline = Pipeline(
        [("scaler", scaler), ("width", FunctionTransformer(_as_wide_as_published)), ("svc", svc)]
    )
    if params.search == "none":
        return pipeline
    grid = {"svc__C": params.grid_c, "svc__gamma": params.grid_gamma}
    inner = StratifiedKFold(params.folds, shuffle=True, random_state=seed)
    return GridSearchCV(pipeline, grid, scoring="f1_macro", cv=inner)


def released(rows: np.ndarray, known: int) -> np.ndarray:
    """What the authors' code does to all rows, test clips included, before it splits them."""
    return scale(rows)
