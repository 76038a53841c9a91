"""Louro et al.'s deep-learning baseline: four convolutions on a mel spectrogram (row "DL Baseline").

621 264 trainable parameters at 942 x 128. The paper gives no layers; layers and settings are those of the
authors' code (docs/methods.md, "Louro's CNN").
"""

import torch
from torch import Tensor, nn

from mer.networks.layers import flattened_size, glorot_uniform, louro_convolutions
from mer.schema.training import Searched

trainer = "supervised"
reads: tuple[str, ...] = ("spectrogram",)
augments = "training"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")


class Params(Searched):
    """``models.cnn``."""


class Network(nn.Module):
    """Convolutions, a dense layer of 300, one logit per output."""

    def __init__(self, shape: tuple[int, int], outputs: int) -> None:
        super().__init__()
        self.convolutions = louro_convolutions(last_norm=False, dropout=0.4)
        self.dense = nn.Linear(flattened_size(self.convolutions, shape), 300)
        self.logits = nn.Linear(300, outputs)
        glorot_uniform([self.dense, self.logits])

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> logits [shape=(n, outputs)]."""
        hidden = self.convolutions(mel.unsqueeze(1))
        return self.logits(torch.relu(self.dense(hidden)))


def build(params: Params, *, shape: tuple[int, int], outputs: int) -> nn.Module:
    """An untrained network for spectrograms of ``shape``, (frames, mels)."""
    return Network(shape, outputs)
