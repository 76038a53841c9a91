"""Always the most frequent class of the training part: the row every table needs beside it."""

from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier

from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ()
augments = "no"
fidelities: tuple[str, ...] = ("described",)


class Params(Block):
    """Nothing to set."""


def build(params: Params, *, seed: int, fidelity: str) -> ClassifierMixin:
    """An unfitted scikit-learn classifier; it looks at no input."""
    return DummyClassifier(strategy="prior")
