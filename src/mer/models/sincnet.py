"""SincNet: band-pass filters with learned cut-offs on chunks of 200 or 500 ms of samples, end to end.

Ravanelli & Bengio, "Speaker Recognition from Raw Waveform with SincNet", SLT 2018. Pandrea, Gómez-Cañón &
Herrera keep the settings of the authors' TIMIT recipe, except for the classes (docs/methods.md, "Pandrea's
SincNet"). 21 834 156 parameters at 3200 samples, 44 079 076 at 8000.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field, PositiveInt, field_validator
from torch import Tensor, nn
from torch.nn import functional

from mer.errors import MerError
from mer.networks.sinc import FILTERS, POOL, TAPS, LastAxisNorm, MaxPool, SincConv
from mer.schema import Block
from mer.schema.spectrograms import Waveform
from mer.schema.training import TrainingConfig

trainer = "random_chunks"
reads: tuple[str, ...] = ("waveform",)
augments = "no"
predicts: tuple[str, ...] = ("classes",)
fidelities: tuple[str, ...] = ("described",)

CONVOLUTIONS = ((60, 5), (60, 5))  # filters, taps
SLOPE = 0.2  # of leaky ReLU
PIECE = 32  # chunks convolved at once, whose maps fit into the processor's cache


class Params(Block):
    """``models.sincnet``.

    Attributes
    ----------
    chunk_ms : length of a chunk
    hop_ms, smoke_test_hop_ms : hop between the chunks of a clip that is classified; the second under a
        profile with ``smoke_test``
    filter_rate : sample rate in Hz of chunks, hops and filters. It is that of ``waveform``, unless samples
        are to be misread as the authors may have misread them: 44.1 kHz taken for 16 kHz
    amplitude : training chunks are multiplied by a random factor in 1 ± ``amplitude``
    hidden : sizes of the hidden layers after the convolutions
    steps, smoke_test_steps : batches of an epoch; the second under a profile with ``smoke_test``
    restarts : networks per fold, from other seeds; each counts as a repeat of the fold
    """

    chunk_ms: PositiveInt
    hop_ms: PositiveInt
    smoke_test_hop_ms: PositiveInt
    filter_rate: PositiveInt
    amplitude: Annotated[float, Field(ge=0, lt=1)]
    steps: PositiveInt
    smoke_test_steps: PositiveInt
    restarts: PositiveInt
    hidden: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    waveform: Waveform
    training: TrainingConfig

    @field_validator("waveform")
    @classmethod
    def _is_whole(cls, waveform: Waveform) -> Waveform:
        if waveform.segment_samples:
            raise ValueError("segment_samples must be null: chunks are taken from whole clips")
        return waveform

    def samples(self, milliseconds: int) -> int:
        """Number of samples in so many milliseconds."""
        return milliseconds * self.filter_rate // 1000


class Network(nn.Module):
    """Sinc filters, two convolutions, hidden layers, one logit per output."""

    def __init__(self, samples: int, rate: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.input_norm = LastAxisNorm(samples)
        self.sinc = SincConv(rate)
        frames = (samples - TAPS + 1) // POOL
        self.sinc_norm = LastAxisNorm(FILTERS, frames)
        self.convolutions, features = convolutions(frames)
        self.hidden = hidden_layers((features, *hidden))
        self.logits = nn.Linear(hidden[-1], outputs)
        initialise(self.hidden, self.logits)

    def forward(self, samples: Tensor) -> Tensor:
        """[shape=(n, samples)] -> logits [shape=(n, outputs)]."""
        features = torch.cat([self.features(piece) for piece in samples.split(PIECE)])
        logits: Tensor = self.logits(self.hidden(features))
        return logits

    def features(self, samples: Tensor) -> Tensor:
        """[shape=(n, samples)] -> the inputs of the hidden layers [shape=(n, features)]."""
        filtered = self.sinc_norm(self.sinc(self.input_norm(samples)))
        features: Tensor = self.convolutions(functional.leaky_relu_(filtered, SLOPE))
        return features


def convolutions(frames: int) -> tuple[nn.Sequential, int]:
    """Per convolution: max-pool, norm and leaky ReLU; then a norm of the flattened maps, and their size."""
    channels = FILTERS
    layers: list[nn.Module] = []
    for filters, taps in CONVOLUTIONS:
        frames = (frames - taps + 1) // POOL
        layers += [nn.Conv1d(channels, filters, taps), MaxPool()]
        layers += [LastAxisNorm(filters, frames), nn.LeakyReLU(SLOPE, inplace=True)]
        channels = filters
    features = channels * frames
    return nn.Sequential(*layers, nn.Flatten(), LastAxisNorm(features)), features


def hidden_layers(sizes: Sequence[int]) -> nn.Sequential:
    """Dense layers between these sizes, each with a batch norm and leaky ReLU."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs, momentum=0.05)]
        layers.append(nn.LeakyReLU(SLOPE, inplace=True))
    return nn.Sequential(*layers)


def initialise(hidden: nn.Sequential, logits: nn.Linear) -> None:
    """The initial weights of the authors' code: uniform in ±sqrt(0.01 / (inputs + outputs)), biases 0.

    The thesis (section 3.3.1) says Glorot's.
    """
    for layer in (*hidden, logits):
        if isinstance(layer, nn.Linear):
            bound = math.sqrt(0.01 / (layer.in_features + layer.out_features))
            nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.zeros_(layer.bias)


def build(params: Params, *, outputs: int) -> nn.Module:
    """An untrained network.

    Raises
    ------
    MerError
        If a chunk is too short for the filters and pools.
    """
    samples = params.samples(params.chunk_ms)
    least = TAPS - 1 + POOL * (4 + POOL * (4 + POOL))
    if samples < least:
        raise MerError(
            f"models.sincnet.chunk_ms must give at least {least} samples at {params.filter_rate} Hz, "
            f"not {samples}; raise it"
        )
    return Network(samples, params.filter_rate, params.hidden, outputs)
