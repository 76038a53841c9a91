"""Louro et al.'s row "OpenL3 + RF": a random forest on a table of features, that of family ``openl3``.

After Koh & Dubnov. The forest has scikit-learn's defaults (the authors' code; methods A8).
"""

from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier

from mer.schema import Block

trainer = "sklearn_estimator"
reads: tuple[str, ...] = ("table",)
augments = "no"
fidelities: tuple[str, ...] = ("described",)


class Params(Block):
    """``models.openl3_rf``: nothing to set."""


def build(params: Params, *, seed: int, fidelity: str) -> ClassifierMixin:
    """An unfitted classifier of rows [shape=(n, d)]."""
    return RandomForestClassifier(random_state=seed)
