"""Louro et al.'s Hybrid Augmented: a CNN on spectrograms and a DNN on handcrafted features.

Three trainings on one fold list (methods A5): the DNN on the table; the CNN on originals and augmented
copies; then their penultimate layers are joined and a classifier is trained on top, with the DNN
frozen and the CNN free. At 942 x 128 and 1714 features: DNN 1 041 732, CNN 621 296 and fusion 101 504
trainable parameters.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from mer.networks.layers import (
    Dropout,
    batch_norm_1d,
    flattened,
    glorot_uniform,
    he_normal,
    louro_convolutions,
)
from mer.schema import Block
from mer.schema.training import TrainingConfig, Tuning

trainer = "hybrid"
reads: tuple[str, ...] = ("spectrogram", "table")
augments = "pretraining"
fidelities: tuple[str, ...] = ("described", "released")


class Params(Block):
    """``models.hybrid``: one config per training.

    Attributes
    ----------
    search : ``bayes`` chooses batch, optimizer and learning rate of the fusion by a fold's validation
        part, as the poster on MERGE does; a fold without one, of a cross-validation, takes them from
        ``fusion``
    tuning : how
    """

    dnn: TrainingConfig
    pretraining: TrainingConfig
    fusion: TrainingConfig
    search: Literal["none", "bayes"]
    tuning: Tuning


class DNN(nn.Module):
    """Batch norm, dropout 0.2, dense layers of 500, 300 and 100, one logit per class."""

    def __init__(self, features: int, classes: int) -> None:
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
        self.logits = nn.Linear(100, classes)
        glorot_uniform([*self.hidden, self.logits])

    def forward(self, table: Tensor) -> Tensor:
        """[shape=(n, features)] -> logits [shape=(n, classes)]."""
        return self.logits(self.hidden(table))


class CNN(nn.Module):
    """The baseline's layers with a fourth batch norm and a dropout of 0.3."""

    def __init__(self, shape: tuple[int, int], classes: int) -> None:
        super().__init__()
        convolutions = louro_convolutions(last_norm=True, dropout=0.3)
        dense = nn.Linear(flattened(convolutions, shape), 300)
        self.hidden = nn.Sequential(convolutions, dense, nn.ReLU())
        self.logits = nn.Linear(300, classes)
        glorot_uniform([dense, self.logits])

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> logits [shape=(n, classes)]."""
        return self.logits(self.hidden(mel.unsqueeze(1)))


class Fusion(nn.Module):
    """Both branches' penultimate layers, 100 + 300 values, and a dense classifier on them."""

    def __init__(self, cnn: CNN, dnn: DNN, classes: int) -> None:
        super().__init__()
        self.cnn, self.dnn = cnn.hidden, dnn.hidden.requires_grad_(False)
        self.classifier = nn.Sequential(
            batch_norm_1d(400),
            nn.Linear(400, 200),
            nn.ReLU(),
            nn.Linear(200, 100),
            nn.ReLU(),
            nn.Linear(100, classes),
        )
        he_normal(self.classifier)

    def train(self, mode: bool = True) -> "Fusion":
        """The frozen branch stays in evaluation mode."""
        super().train(mode)
        self.dnn.eval()
        return self

    def forward(self, mel: Tensor, table: Tensor) -> Tensor:
        """[shape=(n, frames, mels)], [shape=(n, features)] -> logits [shape=(n, classes)]."""
        branches = [self.dnn(table), self.cnn(mel.unsqueeze(1))]
        return self.classifier(torch.cat(branches, dim=1))


def build(
    params: Params, *, shape: tuple[int, int], features: int, classes: int
) -> tuple[DNN, CNN, type[Fusion]]:
    """Two untrained branches, and the class that joins them once they are trained."""
    return DNN(features, classes), CNN(shape, classes), Fusion
