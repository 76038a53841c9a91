"""Louro et al.'s row "Autoencoder": a random forest on an autoencoder's codes.

The forest has scikit-learn's defaults, as in the authors' code. The authors train the autoencoder on all
clips, test clips included, which ``fidelity: released`` repeats; ``described`` trains it on the training
clips of a fold only (docs/methods.md, "Louro's autoencoder").
"""

from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier

from mer.schema import Block
from mer.schema.training import TrainingConfig

trainer = "autoencoder_codes"
reads: tuple[str, ...] = ("spectrogram",)
augments = "no"
predicts: tuple[str, ...] = ("classes",)
fidelities: tuple[str, ...] = ("described", "released")


class Params(Block):
    """``models.autoencoder_rf``; ``training`` configures the training of the autoencoder."""

    training: TrainingConfig


def build(params: Params, *, seed: int, fidelity: str, predicts: str) -> ClassifierMixin:
    """An unfitted classifier of codes [shape=(n, values)]."""
    return RandomForestClassifier(random_state=seed)
