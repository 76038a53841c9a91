"""Louro et al.'s CRNN: four convolutions, then two GRUs over time (row "CRNN").

The network is Won et al.'s music tagger, not pretrained, on Louro's spectrograms: 392 582 trainable
parameters at 942 x 128. Layers and settings are those of the authors' code (docs/methods.md, "Louro's
CRNN").
"""

from collections.abc import Sequence

from pydantic import PositiveInt
from torch import Tensor, nn

from mer.networks.channel_groups import ConvNormPool
from mer.networks.first_block_with_norms import NormedConvolutions
from mer.networks.layers import GRU, Dropout, batch_norm_2d, glorot_uniform, map_shape
from mer.schema.training import Searched

trainer = "supervised"
reads: tuple[str, ...] = ("spectrogram",)
augments = "training"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")

POOLS = (2, 3, 4, 4)


class Params(Searched):
    """``models.crnn``; ``filters`` has the filters of the four convolutions."""

    filters: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt]


def convolutions(filters: Sequence[int]) -> nn.Sequential:
    """Batch norm of the spectrogram, then a block for each number of filters.

    The maps of 942 x 128 are 471 x 64, 157 x 21, 39 x 5, 9 x 1; values that do not fill a pool are dropped.
    """
    blocks = map(ConvNormPool, (1, *filters), filters, POOLS)
    return NormedConvolutions(batch_norm_2d(1), *blocks)


class Network(nn.Module):
    """Convolutions, two GRUs of 32 over the time that the pools leave, one logit per output."""

    def __init__(self, filters: tuple[int, ...], shape: tuple[int, int], outputs: int) -> None:
        super().__init__()
        self.convolutions = convolutions(filters)
        channels, _, bands = map_shape(self.convolutions, shape)
        self.recurrent = GRU(channels * bands, 32, layers=2)
        self.dropout = Dropout(0.5)
        self.logits = nn.Linear(32, outputs)
        glorot_uniform([*self.convolutions.modules(), self.logits])

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> logits [shape=(n, outputs)]."""
        sequence = self.convolutions(mel.unsqueeze(1)).transpose(1, 2).flatten(2)
        return self.logits(self.dropout(self.recurrent(sequence)[:, -1]))


def build(params: Params, *, shape: tuple[int, int], outputs: int) -> nn.Module:
    """An untrained network for spectrograms of ``shape``, (frames, mels), at least 96 x 96."""
    return Network(params.filters, shape, outputs)
