"""The constant predictor: class frequencies, or mean values, of the training clips, for every clip."""

from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor

from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ()
augments = "no"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described",)


class Params(Block):
    """``models.constant`` has no parameters."""


def build(params: Params, *, seed: int, fidelity: str, predicts: str) -> BaseEstimator:
    """An unfitted estimator, which ignores its input."""
    if predicts == "values":
        return DummyRegressor(strategy="mean")
    return DummyClassifier(strategy="prior")
