"""Ridge regression on a table of handcrafted features, the linear baseline.

The penalty is chosen among ``alphas`` by the leave-one-out error inside each training part, which ridge
regression has in closed form. Classes are regressed on as -1 and 1, one against the rest.
"""

from typing import Annotated

from pydantic import Field, PositiveFloat
from sklearn.base import BaseEstimator
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ("table",)
augments = "no"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described",)


class Params(Block):
    """``models.ridge``; ``alphas`` has the candidates for the weight of the L2 penalty."""

    alphas: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)]


def build(params: Params, *, seed: int, fidelity: str, predicts: str) -> BaseEstimator:
    """An unfitted estimator of rows [shape=(n, d)]."""
    kind = RidgeClassifierCV if predicts == "classes" else RidgeCV
    return make_pipeline(StandardScaler(), kind(alphas=params.alphas))
