"""Louro et al.'s row "Artists CNN": Park et al.'s artist recognition with a new head.

Park, Lee, Park, Ha, Nam. Representation Learning of Music Using Artist Labels. ISMIR 2018. Five
convolutions over time, mels as channels, 264 448 parameters, read the 3-s segments of view ``artists`` and
stay frozen; only one logit per class, 1 028 parameters at four classes, is trained. Louro et al. use the
authors' basic model of 10 000 artists; the weights that params.yaml names belong to the siamese model,
which has the same layers. Louro et al.'s code does not standardise the spectrograms and reverses time
(docs/methods.md, "Louro's Artists CNN"), as ``fidelity: released`` with view ``artists_released`` does;
Park et al.'s code standardises and does not reverse, and so does ``described``. The frames of each segment
are computed from that segment alone, with zeros beyond its ends; Park et al. cut one spectrogram.
"""

from collections.abc import Mapping

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from mer.errors import MerError
from mer.io.pretrained import Weights, in_order, load_weights
from mer.networks.layers import EPSILON, MOMENTUM, glorot_uniform
from mer.schema import Block
from mer.schema.training import TrainingConfig

trainer = "finetune"
reads: tuple[str, ...] = ("spectrogram", "weights")
augments = "no"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")

MEAN, DEVIATION = 0.22620339, 0.25794547  # of the spectrograms that the authors trained on
BLOCKS = ((128, 4, 4), (128, 4, 4), (128, 4, 4), (128, 2, 2), (256, 1, 1))  # filters, size, pool
POOLED_FRAMES = 128  # frames that the pools reduce to one


class Params(Block):
    """``models.artists_cnn``."""

    weights: Weights
    training: TrainingConfig


class Conv1dSame(nn.Conv1d):
    """Keras' ``Conv1D(padding="same")``; torch's own warns for even kernel sizes."""

    def forward(self, sequence: Tensor) -> Tensor:
        """[shape=(n, c, t)] -> [shape=(n, c', t)]."""
        total = self.kernel_size[0] - 1
        return super().forward(functional.pad(sequence, (total // 2, total - total // 2)))


class Backbone(nn.Module):
    """Convolutions over time and the mean over it, of frames that are standardised or not."""

    def __init__(self, mels: int, *, standardized: bool) -> None:
        super().__init__()
        self.mean, self.deviation = (MEAN, DEVIATION) if standardized else (0.0, 1.0)
        layers: list[nn.Module] = []
        for filters, size, pool in BLOCKS:
            norm = nn.BatchNorm1d(filters, eps=EPSILON, momentum=MOMENTUM)
            layers += [Conv1dSame(mels, filters, size), norm, nn.ReLU(), nn.MaxPool1d(pool)]
            mels = filters
        self.layers = nn.Sequential(*layers)

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> [shape=(n, 256)]."""
        return self.layers((mel.transpose(1, 2) - self.mean) / self.deviation).mean(dim=2)


class Network(nn.Module):
    """The backbone and one logit per output."""

    def __init__(self, mels: int, outputs: int, *, standardized: bool) -> None:
        super().__init__()
        self.backbone = Backbone(mels, standardized=standardized).requires_grad_(False)
        self.head = nn.Linear(256, outputs)
        glorot_uniform([self.head])

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> logits [shape=(n, outputs)]."""
        return self.head(self.backbone(mel))


def build(
    params: Params,
    *,
    weights: Mapping[str, np.ndarray],
    shape: tuple[int, int],
    outputs: int,
    fidelity: str,
) -> Network:
    """The pretrained network with an untrained head.

    Raises
    ------
    MerError
        If the weights belong to another network, or the spectrograms are too short.
    """
    if shape[0] < POOLED_FRAMES:
        raise MerError(
            f"spectrograms for artists_cnn must have {POOLED_FRAMES} frames, not {shape[0]}; select "
            "view=artists"
        )
    network = Network(shape[1], outputs, standardized=fidelity == "described")
    load_weights(network.backbone, in_order(network.backbone, weights), params.weights.file)
    return network
