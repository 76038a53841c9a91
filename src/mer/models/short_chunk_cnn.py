"""Louro et al.'s row "ShortChunk CNN": residual blocks on the mel spectrograms of 3.69-s segments.

The network is the residual short-chunk CNN of Won et al. (2020) with the filters and the head of Louro et
al.'s code: 12 080 646 trainable parameters (docs/methods.md, "Louro's ShortChunk CNN"). The view
``louro_segments`` cuts the clips into segments.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mer.networks.layers import Conv2dSame, batch_norm_1d, batch_norm_2d, glorot_uniform
from mer.schema.training import Searched

trainer = "supervised"
reads: tuple[str, ...] = ("spectrogram",)
augments = "training"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")


class Params(Searched):
    """``models.short_chunk_cnn``.

    Attributes
    ----------
    filters : filters of each residual block
    """

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


class Residual(nn.Module):
    """Two 3 x 3 convolutions, the first with stride 2, and a third with stride 2 as their shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            Conv2dSame(inputs, outputs, 3, stride=2),
            batch_norm_2d(outputs),
            nn.ReLU(),
            Conv2dSame(outputs, outputs, 3),
            batch_norm_2d(outputs),
        )
        self.shortcut = nn.Sequential(
            Conv2dSame(inputs, outputs, 3, stride=2), batch_norm_2d(outputs)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """[shape=(n, c, t, f)] -> [shape=(n, c', ceil(t / 2), ceil(f / 2))]."""
        return torch.relu(self.path(maps) + self.shortcut(maps))


class Network(nn.Module):
    """Batch norm, residual blocks, global max-pool, a dense layer as wide, one logit per output."""

    def __init__(self, filters: Sequence[int], outputs: int) -> None:
        super().__init__()
        blocks = [Residual(i, o) for i, o in zip((1, *filters), filters, strict=False)]
        width = filters[-1]
        self.maps = nn.Sequential(batch_norm_2d(1), *blocks, nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.head = nn.Sequential(
            nn.Linear(width, width),
            nn.ReLU(),
            batch_norm_1d(width),
            nn.Dropout(0.5),
            nn.Linear(width, outputs),
        )
        glorot_uniform(self.modules())

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, frames, mels)] -> logits [shape=(n, outputs)]."""
        return self.head(self.maps(mel.unsqueeze(1)))


def build(params: Params, *, shape: tuple[int, int], outputs: int) -> nn.Module:
    """An untrained network for spectrograms of any ``shape``, (frames, mels)."""
    return Network(params.filters, outputs)
