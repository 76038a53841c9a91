"""SincNet: band-pass filters with learned cut-offs on 200 or 500 ms of samples, end to end.

Ravanelli & Bengio, "Speaker Recognition from Raw Waveform with SincNet", SLT 2018, with the settings of
their TIMIT config, which Pandrea, Gómez-Cañón & Herrera keep but for the classes (methods C4, C5):
21 834 156 parameters at 3200 samples, 44 079 076 at 8000.

Filters of 251 taps over a whole chunk are cheapest in the frequency domain. A chunk is a period of the
Fourier transform there: only outputs that need no sample beyond its end are kept, so they are those of
a plain convolution. A filter that is even around its middle has a real transform. Filters and waveforms
stay in float32 whatever the precision of a training: rounded to bfloat16, the bass of a chunk would
drown its treble.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field, PositiveInt, field_validator
from scipy.fft import next_fast_len
from torch import Tensor, nn
from torch.nn import functional

from mer.audio import hz_to_mel, mel_to_hz
from mer.errors import MerError
from mer.schema import Block
from mer.schema.spectrograms import Waveform
from mer.schema.training import TrainingConfig

trainer = "random_chunks"
reads: tuple[str, ...] = ("waveform",)
augments = "no"
fidelities: tuple[str, ...] = ("described", "released")

FILTERS, TAPS, POOL = 80, 251, 3
HALF = TAPS // 2
CONVOLUTIONS = ((60, 5), (60, 5))  # filters, taps
LOWEST, MIN_LOW, MIN_BAND = 30.0, 50.0, 50.0  # Hz
SLOPE = 0.2
EPSILON = 1e-6
PIECE = 32  # chunks convolved at once: what comes of them stays in the processor's cache


class Params(Block):
    """``models.sincnet``.

    Attributes
    ----------
    chunk_ms : what the network hears at once
    hop_ms, smoke_test_hop_ms : from one chunk to the next where a clip is classified; the second under a
        profile that is ``short``
    filter_rate : Hz that chunks, hops and filters count in; that of ``waveform``, unless samples are
        to be misread as the authors may have (methods C4: 44.1 kHz taken for 16)
    amplitude : a training chunk is multiplied by a factor in 1 ± this
    hidden : sizes of the layers behind the convolutions
    steps, smoke_test_steps : batches that are called an epoch; the second under a profile that is ``short``
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
    def _whole(cls, waveform: Waveform) -> Waveform:
        if waveform.segment_samples:
            raise ValueError("segment must be null: chunks are drawn from whole clips")
        return waveform

    def samples(self, milliseconds: int) -> int:
        """Samples in so many milliseconds."""
        return milliseconds * self.filter_rate // 1000


def _thirds(x: Tensor) -> Tensor:
    """First, second and third of every three samples [shape=(3, ..., samples // 3)]."""
    return x[..., : x.shape[-1] // POOL * POOL].unflatten(-1, (-1, POOL)).movedim(-1, 0)


def _spectrum(x: Tensor, size: int) -> Tensor:
    """Fourier transform, real and imaginary parts in turn [shape=(..., size + 2)]."""
    return torch.view_as_real(torch.fft.rfft(x, size)).flatten(-2)


def _signal(spectrum: Tensor) -> Tensor:
    """The inverse of ``_spectrum``."""
    return torch.fft.irfft(torch.view_as_complex(spectrum.unflatten(-1, (-1, 2))))


def _response(filters: Tensor, size: int) -> Tensor:
    """What even filters multiply a spectrum by [shape=(filters, size + 2)]."""
    gains = torch.fft.hfft(filters[:, HALF:], size)[:, : size // 2 + 1]
    return gains.repeat_interleave(2, 1)


def _size(samples: int) -> int:
    """An even length of a fast Fourier transform."""
    return 2 * next_fast_len((samples + 1) // 2, real=True)


class _Pooled(torch.autograd.Function):
    """The largest of every three magnitudes of a filter's output, with a gradient.

    What is kept for it is no output but which of the three was the largest, as its sign. One chunk is
    filtered at a time: its outputs stay in the processor's cache.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor) -> Tensor:
        """[shape=(n, samples)], [shape=(filters, taps)] -> [shape=(n, filters, frames)]."""
        size = _size(x.shape[1])
        spectra, response = _spectrum(x, size), _response(filters, size)
        pooled, kept = [], []
        for spectrum in spectra:
            y = _signal(spectrum * response)[:, HALF : x.shape[1] - HALF]
            thirds = _thirds(y).contiguous()
            pooled.append(thirds.abs().amax(0))
            least = torch.finfo(x.dtype).tiny
            thirds /= pooled[-1].clamp(min=least)  # comparing costs three times as much
            kept.append(thirds.to(torch.int8))  # 1 or -1 for the largest, 0 for what is below
        ctx.save_for_backward(spectra, response, *kept)
        ctx.samples = x.shape[1]
        return torch.stack(pooled)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Of the samples, and of the filters among even ones."""
        spectra, response, *kept = ctx.saved_tensors
        of_filters, of_x = torch.zeros_like(response), []
        y = gradient.new_zeros(len(response), spectra.shape[1] - 2)
        thirds = _thirds(y[:, HALF : ctx.samples - HALF])
        for spectrum, slope, signs in zip(spectra, gradient, kept, strict=True):
            torch.mul(signs, slope, out=thirds)
            found = _spectrum(y, y.shape[1])
            of_filters.addcmul_(found, spectrum)
            of_x.append(found.mul_(response).sum(0))
        taps = torch.fft.irfft(of_filters.unflatten(1, (-1, 2)).sum(2))[:, : HALF + 1]
        samples = _signal(torch.stack(of_x))[:, : ctx.samples]
        return samples, torch.cat([taps[:, 1:].flip(1), taps], 1)


def _pooled(x: Tensor, filters: Tensor) -> Tensor:
    """The largest of every three magnitudes of an even filter's output."""
    if torch.is_grad_enabled():
        found: Tensor = _Pooled.apply(x, filters)
        return found
    size = _size(x.shape[1])
    response = _response(filters, size)
    outputs = (_signal(spectrum * response) for spectrum in _spectrum(x, size))
    magnitudes = (y[:, HALF : x.shape[1] - HALF].abs_() for y in outputs)
    return torch.stack([functional.max_pool1d(y, POOL) for y in magnitudes])


class SincConv(nn.Module):
    """80 band-pass filters of 251 taps, magnitudes pooled by three.

    Attributes
    ----------
    low, band : Parameter [shape=(filters,)]
        Hz above the least; absolute values count.
    """

    window: Tensor
    radians: Tensor

    def __init__(self, rate: int) -> None:
        super().__init__()
        self.rate = rate
        highest = rate / 2 - (MIN_LOW + MIN_BAND)
        low, high = hz_to_mel(np.array([LOWEST, highest]))
        edges = mel_to_hz(np.linspace(low, high, FILTERS + 1))
        self.low = nn.Parameter(torch.tensor(edges[:-1], dtype=torch.float32))
        self.band = nn.Parameter(torch.tensor(np.diff(edges), dtype=torch.float32))
        window = 0.54 - 0.46 * torch.cos(2 * math.pi * torch.linspace(0, TAPS / 2 - 1, HALF) / TAPS)
        self.register_buffer("window", window, persistent=False)
        radians = 2 * math.pi * torch.arange(-HALF, 0) / rate
        self.register_buffer("radians", radians, persistent=False)

    def cutoffs(self) -> tuple[Tensor, Tensor]:
        """Low and high cut-offs in Hz, in order and not above half the rate [shape=(filters,)]."""
        nyquist = self.rate / 2
        low = (MIN_LOW + self.low.abs()).clamp(max=nyquist - MIN_BAND)
        return low, (low + MIN_BAND + self.band.abs()).clamp(max=nyquist)

    def filters(self) -> Tensor:
        """Differences of two low-passes, windowed, 1 in the middle [shape=(filters, taps)]."""
        low, high = (hertz[:, None] for hertz in self.cutoffs())
        sines = torch.sin(high * self.radians) - torch.sin(low * self.radians)
        left = sines / (self.radians / 2) * self.window / (2 * (high - low))
        return torch.cat([left, torch.ones_like(low), left.flip(1)], dim=1)

    def forward(self, samples: Tensor) -> Tensor:
        """[shape=(n, samples)] -> [shape=(n, filters, (samples - 250) // 3)]."""
        kind = samples.device.type
        with torch.autocast(kind, enabled=False):
            found = _pooled(samples.float(), self.filters())
        return (
            found.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else found
        )


class TimeNorm(nn.Module):
    """Zero mean and unit deviation over the last axis, then a weight and a bias for every element.

    The deviation is that of a sample (n - 1), as in the authors' code. Its epsilon stands under the root
    here, beside the root there: the same for a constant, and 1e-6 apart at a deviation of 1.
    """

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))
        self.shrink = (shape[-1] - 1) / shape[-1]

    def forward(self, x: Tensor) -> Tensor:
        """[shape=(n, ..., length)], and the same back."""
        x = functional.layer_norm(x, x.shape[-1:], eps=EPSILON**2 * self.shrink)
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        return torch.addcmul(bias, x, weight, value=math.sqrt(self.shrink))


class Pool(nn.Module):
    """The largest of every three, without torch's search for its place: several times as fast."""

    def forward(self, x: Tensor) -> Tensor:
        """[shape=(..., length)] -> [shape=(..., length // 3)]."""
        return _thirds(x).contiguous().amax(0)


class Network(nn.Module):
    """Sinc filters, two convolutions, hidden layers, one logit per class."""

    def __init__(self, samples: int, rate: int, hidden: Sequence[int], classes: int) -> None:
        super().__init__()
        self.heard = TimeNorm(samples)
        self.sinc = SincConv(rate)
        channels, frames = FILTERS, (samples - TAPS + 1) // POOL
        self.sinc_norm = TimeNorm(channels, frames)
        stages: list[nn.Module] = []
        for filters, taps in CONVOLUTIONS:
            frames = (frames - taps + 1) // POOL
            stages += [nn.Conv1d(channels, filters, taps), Pool()]
            stages += [TimeNorm(filters, frames), nn.LeakyReLU(SLOPE, inplace=True)]
            channels = filters
        self.convolutions = nn.Sequential(*stages, nn.Flatten(), TimeNorm(channels * frames))
        sizes = (channels * frames, *hidden)
        layers: list[nn.Module] = []
        for inputs, outputs in zip(sizes, hidden, strict=False):
            layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs, momentum=0.05)]
            layers.append(nn.LeakyReLU(SLOPE, inplace=True))
        self.hidden = nn.Sequential(*layers)
        self.logits = nn.Linear(hidden[-1], classes)
        for layer in (*self.hidden, self.logits):
            if isinstance(layer, nn.Linear):
                bound = math.sqrt(0.01 / (layer.in_features + layer.out_features))
                nn.init.uniform_(layer.weight, -bound, bound)
                nn.init.zeros_(layer.bias)

    def forward(self, samples: Tensor) -> Tensor:
        """[shape=(n, samples)] -> logits [shape=(n, classes)]."""
        features = torch.cat([self._features(piece) for piece in samples.split(PIECE)])
        found: Tensor = self.logits(self.hidden(features))
        return found

    def _features(self, samples: Tensor) -> Tensor:
        """What the hidden layers take; no chunk knows of another here."""
        filtered = functional.leaky_relu_(self.sinc_norm(self.sinc(self.heard(samples))), SLOPE)
        found: Tensor = self.convolutions(filtered)
        return found


def build(params: Params, *, classes: int) -> nn.Module:
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
            f"not {samples}"
        )
    return Network(samples, params.filter_rate, params.hidden, classes)
