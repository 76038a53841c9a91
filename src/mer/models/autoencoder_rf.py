"""Louro et al.'s row "Autoencoder + RF": a random forest on an autoencoder's codes.

The authors train the autoencoder on all clips, those of the test folds included, and use the forest
with scikit-learn's defaults (their code; methods A9); here it sees the training part of a fold only.
"""

from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier

from mer.schema import Block
from mer.schema.training import TrainingConfig

trainer = "autoencoder_codes"
reads: tuple[str, ...] = ("spectrogram",)
augments = "no"
fidelities: tuple[str, ...] = ("described",)


class Params(Block):
    """``models.autoencoder_rf``: how the autoencoder is trained."""

    training: TrainingConfig


def build(params: Params, *, seed: int, fidelity: str) -> ClassifierMixin:
    """An unfitted classifier of codes [shape=(n, values)]."""
    return RandomForestClassifier(random_state=seed)
