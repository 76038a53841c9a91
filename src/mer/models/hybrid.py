"""Louro et al.'s Hybrid Augmented: a CNN on spectrograms and a DNN on handcrafted features.

Three trainings use the same folds (docs/methods.md, "Louro's Hybrid"): the DNN is trained on the table; the
CNN on the clips and their augmented versions; then the penultimate layers of both are concatenated and a
classifier is trained on them, together with the CNN, while the DNN is frozen. At 942 x 128 and 1714
features the DNN has 1 041 732, the CNN 621 296 and the fusion 101 504 trainable parameters.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from mer.networks.layers import (
    Dropout,
    batch_norm_1d,
    flattened_size,
    glorot_uniform,
    he_normal,
    louro_convolutions,
)
from mer.schema import Block
from mer.schema.training import TrainingConfig, Tuning

trainer = "hybrid"
reads: tuple[str, ...] = ("spectrogram", "table")
augments = "pretraining"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")


class Params(Block):
    """``models.hybrid``: a configuration for each training.

    Attributes
    ----------
    search : ``bayes`` and ``grid`` choose batch size, optimizer and learning rate on the validation part of
        a fold, as in the poster on MERGE; a fold without a validation part uses those of each training
    tunes : the trainings that a trial configures: the ``fusion``, or ``all`` three
    tuning : the candidates of the search
    """

    dnn: TrainingConfig
    pretraining: TrainingConfig
    fusion: TrainingConfig
    search: Literal["none", "bayes", "grid"]
    tunes: Literal["fusion", "all"]
    tuning: Tuning


class DNN(nn.Module):
    """Batch norm, dropout 0.2, dense layers of 500, 300 and 100, one logit per output."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            batch_norm_1d(features),
            Dropout(0.2),
            nn.Linear(features, 500),
            nn.ReLU(),
            nn.Linear(500, 300),
            nn.ReLU(),
            nn.Linear(300, 100),
            nn.ReLU(),
        )
        self.logits = nn.Linear(100, outputs)
        glorot_uniform([*self.hidden, self.logits])

    def forward(self, table: Tensor) -> Tensor:
        """[shape=(n, features)] -> logits [shape=(n, outputs)]."""
        return self.logits(self.hidden(table))


class CNN(nn.Module):
    """The layers of ``mer.models.cnn`` with a fourth batch norm and a dropout of 0.3."""

    def __init__(self, shape: tuple[int, int], outputs: int) -> None:
        super().__init__()
        convolutions = louro_convolutions(last_norm=True, dropout=0.3)
        dense = nn.Linear(flattened_size(convolutions, shape), 300)
        self.hidden = nn.Sequential(convolutions, dense, nn.ReLU())
        self.logits = nn.Linear(300, outputs)
        glorot_uniform([dense, self.logits])

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> logits [shape=(n, outputs)]."""
        return self.logits(self.hidden(mel.unsqueeze(1)))


class Fusion(nn.Module):
    """The penultimate layers of both branches, 100 + 300 values, and a dense classifier on them."""

    def __init__(self, cnn: CNN, dnn: DNN, outputs: int) -> None:
        super().__init__()
        self.cnn, self.dnn = cnn.hidden, dnn.hidden.requires_grad_(False)
        self.classifier = nn.Sequential(
            batch_norm_1d(400),
            nn.Linear(400, 200),
            nn.ReLU(),
            nn.Linear(200, 100),
            nn.ReLU(),
            nn.Linear(100, outputs),
        )
        he_normal(self.classifier)

    def train(self, mode: bool = True) -> "Fusion":
        """Set the training mode; the batch norm of the frozen branch keeps its statistics.

        The dropout of that branch is on in training: Keras' ``trainable = False`` does not switch it off.
        """
        super().train(mode)
        self.dnn[0].eval()
        return self

    def forward(self, mel: Tensor, table: Tensor) -> Tensor:
        """[shape=(n, frames, mels)], [shape=(n, features)] -> logits [shape=(n, outputs)]."""
        branches = [self.dnn(table), self.cnn(mel.unsqueeze(1))]
        return self.classifier(torch.cat(branches, dim=1))


def build(
    params: Params, *, shape: tuple[int, int], features: int, outputs: int
) -> tuple[DNN, CNN, type[Fusion]]:
    """Two untrained branches, and the class of their fusion, to be built once they are trained."""
    return DNN(features, outputs), CNN(shape, outputs), Fusion
