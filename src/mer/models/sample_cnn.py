"""Louro et al.'s row "Sample CNN": a network on the samples of 3.69-s segments, end to end.

The layers are those of Lee et al. (2017), the settings those of Louro et al.'s code (docs/methods.md,
"Louro's Sample CNN"): 1 846 276 trainable parameters at 59 049 = 3**10 samples.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from mer.errors import MerError
from mer.networks.layers import EPSILON, MOMENTUM, glorot_uniform
from mer.schema.spectrograms import Waveform
from mer.schema.training import Searched

trainer = "supervised"
reads: tuple[str, ...] = ("waveform",)
augments = "no"
predicts: tuple[str, ...] = ("classes", "values")
fidelities: tuple[str, ...] = ("described", "released")


class Params(Searched):
    """``models.sample_cnn``.

    Attributes
    ----------
    filters : filters of each block; a block divides the length by 3, and so does one more before them, so
        the segment must have 3**(1 + blocks) samples
    """

    filters: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    waveform: Waveform


def _block(inputs: int, outputs: int, size: int, stride: int, pool: int) -> nn.Sequential:
    """Convolution, batch norm, ReLU and, unless its size is 1, a pool."""
    layers: list[nn.Module] = [
        nn.Conv1d(inputs, outputs, size, stride, padding=size // 2 if stride == 1 else 0),
        nn.BatchNorm1d(outputs, eps=EPSILON, momentum=MOMENTUM),
        nn.ReLU(),
    ]
    return nn.Sequential(*layers, *([nn.MaxPool1d(pool)] if pool > 1 else []))


class Network(nn.Module):
    """Convolutions that reduce the samples to one step, dropout 0.5, one logit per output."""

    def __init__(self, filters: Sequence[int], outputs: int) -> None:
        super().__init__()
        first, last = filters[0], filters[-1]
        blocks = [_block(1, first, 3, 3, 1)]
        blocks += [_block(i, o, 3, 1, 3) for i, o in zip((first, *filters), filters, strict=False)]
        blocks.append(_block(last, last, 1, 1, 1))
        self.blocks = nn.Sequential(*blocks, nn.Flatten(), nn.Dropout(0.5))
        self.logits = nn.Linear(last, outputs)
        glorot_uniform(self.modules())

    def forward(self, samples: Tensor) -> Tensor:
        """[shape=(n, samples)] -> logits [shape=(n, outputs)]."""
        return self.logits(self.blocks(samples.unsqueeze(1)))


def build(params: Params, *, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """An untrained network.

    Raises
    ------
    MerError
        If the blocks do not reduce segments of this length to one step.
    """
    length = 3 ** (1 + len(params.filters))
    if shape != (length,):
        raise MerError(
            f"models.sample_cnn.waveform.segment_samples must be {length} for {len(params.filters)} "
            f"filters, not {shape[0]}; set it so, or change the filters"
        )
    return Network(params.filters, outputs)
