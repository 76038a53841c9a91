"""Louro et al.'s row "CRNN Pre-trained MTAT": Won et al.'s tagger of MagnaTagATune with a new head.

Won, Ferraro, Bogdanov, Serra. Evaluation of CNN-based Automatic Music Tagging Models. SMC 2020. Four
convolutions (64, 128, 128, 128 filters) and two GRUs of 32, 392 450 parameters, on view ``mtat``; the dense
layer of 50 tags is replaced by one logit per class, 132 parameters at four classes. Louro et al.'s code
feeds the frozen layers another spectrogram, rotated by a right angle, and applies softmax twice, as
``fidelity: released`` with view ``louro_released`` does; under ``described`` they read the spectrogram that
they were trained on (docs/methods.md, "Louro's pre-trained CRNN"). torchaudio reflects the waveform at its
ends, the view pads it with zeros.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from torch import Tensor, nn

from mer.errors import MerError
from mer.io.pretrained import Weights, load_weights, renamed
from mer.networks.layers import GRU, Dropout, glorot_uniform
from mer.schema import Block
from mer.schema.training import TrainingConfig

trainer = "finetune"
reads: tuple[str, ...] = ("spectrogram", "weights")
augments = "no"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")

MELS, RELEASED_MELS = 96, 128
BLOCKS = ((1, 64, 2), (64, 128, 3), (128, 128, 4), (128, 128, 4))  # channels before and after, pool
NAMES = {
    "spec_bn.": "norm.",
    **{f"layer{n}.conv.": f"blocks.{n - 1}.0." for n in range(1, 5)},
    **{f"layer{n}.bn.": f"blocks.{n - 1}.1." for n in range(1, 5)},
    "layer5.": "recurrent.",
}


class Params(Block):
    """``models.crnn_mtat``.

    Attributes
    ----------
    tune : the layers that are trained: the new ``head`` only, or ``all``
    weights : the pretrained weights
    head, all : configuration of the training in either case
    """

    tune: Literal["head", "all"]
    weights: Weights
    head: TrainingConfig
    all: TrainingConfig

    @property
    def training(self) -> TrainingConfig:
        """The configuration that ``tune`` selects."""
        return getattr(self, self.tune)


class Backbone(nn.Module):
    """The tagger without its dense layer; ``rotated`` exchanges time and mels before the convolutions."""

    def __init__(self, *, rotated: bool) -> None:
        super().__init__()
        self.rotated = rotated
        self.norm = nn.BatchNorm2d(1)
        self.blocks = nn.Sequential(*(self._block(*block) for block in BLOCKS))
        self.recurrent = GRU(128, 32, layers=2)

    @staticmethod
    def _block(before: int, after: int, pool: int) -> nn.Sequential:
        convolution = nn.Conv2d(before, after, 3, padding=1)
        return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.MaxPool2d(pool), nn.ReLU())

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> the last state of the GRUs [shape=(n, 32)]."""
        image = mel if self.rotated else mel.transpose(1, 2)
        maps = self.blocks(self.norm(image.unsqueeze(1)))
        steps = maps.squeeze(3 if self.rotated else 2)  # of mels, one is left
        return self.recurrent(steps.transpose(1, 2))[:, -1]


class Head(nn.Sequential):
    """Dropout 0.5, one logit per output; ``released`` applies softmax to the logits."""

    def __init__(self, outputs: int, *, released: bool) -> None:
        last = nn.Softmax(dim=1) if released else nn.Identity()
        super().__init__(Dropout(0.5), nn.Linear(32, outputs), last)
        self.ends_in_softmax = released


class Network(nn.Module):
    """The backbone and the head."""

    def __init__(self, outputs: int, *, released: bool) -> None:
        super().__init__()
        self.backbone = Backbone(rotated=released)
        self.head = Head(outputs, released=released)
        glorot_uniform(self.head)
        self.ends_in_softmax = released

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> logits [shape=(n, outputs)]; 96 mels, or 128 under ``released``."""
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
        If the weights belong to another network, or the spectrograms have not 96 mels (128 under
        ``released``) and at least 96 frames.
    """
    released = fidelity == "released"
    mels, view = (RELEASED_MELS, "louro_released") if released else (MELS, "mtat")
    if shape[1] != mels or shape[0] < MELS:
        raise MerError(
            f"spectrograms for crnn_mtat must have {mels} mels and {MELS} frames or more, not {shape[1]} "
            f"and {shape[0]}; select view={view}"
        )
    network = Network(outputs, released=released)
    load_weights(network.backbone, renamed(weights, NAMES), params.weights.file)
    network.backbone.requires_grad_(params.tune == "all")
    return network
