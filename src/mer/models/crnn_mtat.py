"""Louro et al.'s row "CRNN pre-trained": Won et al.'s tagger of MagnaTagATune with a new head.

Won, Ferraro, Bogdanov, Serra. Evaluation of CNN-based Automatic Music Tagging Models. SMC 2020. Four
convolutions (64, 128, 128, 128 filters) and two GRUs of 32, 392 450 parameters, on view ``mtat``; the dense
layer of 50 tags is replaced by one logit per class, 132 parameters at four classes. Louro et al.'s code
feeds the frozen layers another spectrogram, rotated by a right angle; here they read the spectrogram that
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
fidelities: tuple[str, ...] = ("described",)

BANDS = 96
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
    """The tagger without its dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.blocks = nn.Sequential(*(self._block(*block) for block in BLOCKS))
        self.recurrent = GRU(128, 32, layers=2)

    @staticmethod
    def _block(before: int, after: int, pool: int) -> nn.Sequential:
        convolution = nn.Conv2d(before, after, 3, padding=1)
        return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.MaxPool2d(pool), nn.ReLU())

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, 96)] -> the last state of the GRUs [shape=(n, 32)]."""
        maps = self.blocks(self.norm(mel.transpose(1, 2).unsqueeze(1)))
        return self.recurrent(maps.squeeze(2).transpose(1, 2))[:, -1]


class Network(nn.Module):
    """The backbone, dropout 0.5, one logit per output."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.head = nn.Sequential(Dropout(0.5), nn.Linear(32, outputs))
        glorot_uniform(self.head)

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, 96)] -> logits [shape=(n, outputs)]."""
        return self.head(self.backbone(mel))


def build(
    params: Params, *, weights: Mapping[str, np.ndarray], shape: tuple[int, int], outputs: int
) -> Network:
    """The pretrained network with an untrained head.

    Raises
    ------
    MerError
        If the weights belong to another network, or the spectrograms have not 96 mels and at least as many
        frames.
    """
    if shape[1] != BANDS or shape[0] < BANDS:
        raise MerError(
            f"spectrograms for crnn_mtat must have {BANDS} mels and as many frames, not {shape[1]} and "
            f"{shape[0]}; select view=mtat"
        )
    network = Network(outputs)
    load_weights(network.backbone, renamed(weights, NAMES), params.weights.file)
    network.backbone.requires_grad_(params.tune == "all")
    return network
