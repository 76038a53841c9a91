"""Logistic regression on a table of features: a linear model, whose probabilities are nearly calibrated.

C was chosen on embeddings of 4QAED (family ``musicnn``): in each of twenty training parts, with no artist
of the test part, a cross-validation for the likelihood of the classes chose the same of five values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import PositiveFloat

from mer.models import _rows
from mer.schema import Block

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ("table",)
augments = "no"
predicts: tuple[str, ...] = ("classes",)
fidelities: tuple[str, ...] = ("described",)

ITERATIONS = 2000


class Params(Block):
    """``models.logistic_regression``.

    Attributes
    ----------
    c : inverse strength of the penalty of a table of 100 columns; a table of d columns gets c * 100 / d
    limit : values further than so many standard deviations from the mean of the training clips are
        clipped to that, so that a far-off value does not decide alone
    """

    c: PositiveFloat
    limit: PositiveFloat


def build(params: Params, *, seed: int, fidelity: str, predicts: str) -> "BaseEstimator":
    """An unfitted classifier of rows [shape=(n, d)]."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    regression = LogisticRegression(C=params.c, max_iter=ITERATIONS)
    return Pipeline([*_rows.steps(params.limit).items(), ("regression", regression)])


@dataclass(frozen=True)
class Fitted:
    """A fitted classifier that needs no scikit-learn, whose import takes a second.

    Attributes
    ----------
    params : Params
    attributes : mapping of str to value
        The attributes that ``fit`` has added to the steps of ``build``, ``<step>.<attribute>``.
    """

    params: Params
    attributes: Mapping[str, Any]

    @property
    def classes_(self) -> np.ndarray:
        """The classes that it has seen [shape=(C,)]."""
        return self.attributes["regression.classes_"]

    def decision_function(self, rows: np.ndarray) -> np.ndarray:
        """The logits of rows [shape=(n, d)]: [shape=(n, C)], the first of two being 0."""
        mean, scale, coefficients, intercept = (
            self.attributes[name]
            for name in (
                "scaler.mean_",
                "scaler.scale_",
                "regression.coef_",
                "regression.intercept_",
            )
        )
        scaled = (rows - mean.astype(rows.dtype)) / scale.astype(rows.dtype)
        wide = _rows.scaled_to_100_columns(scaled.clip(-self.params.limit, self.params.limit))
        logits = wide @ coefficients.T + intercept
        return np.pad(logits, [(0, 0), (1, 0)]) if logits.shape[1] == 1 else logits


def restore(params: Params, attributes: Mapping[str, Any]) -> Fitted:
    """A fitted classifier of its attributes."""
    return Fitted(params, attributes)
