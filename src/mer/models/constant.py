"""The most frequent class of the training clips, for every clip: the baseline of every table."""

from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier

from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ()
augments = "no"
fidelities: tuple[str, ...] = ("described",)


class Params(Block):
    """``models.constant`` has no parameters."""


def build(params: Params, *, seed: int, fidelity: str) -> ClassifierMixin:
    """An unfitted scikit-learn classifier, which ignores its input."""
    return DummyClassifier(strategy="prior")
