"""The layers of SincNet: band-pass filters with learned cut-offs, normalisation over time, pooling.

Ravanelli & Bengio, "Speaker Recognition from Raw Waveform with SincNet", SLT 2018. The filters have 251
taps and are applied to whole chunks, which is cheapest in the frequency domain. The Fourier transform
treats a chunk as one period; only outputs that need no sample beyond the ends of the chunk are kept, so
they equal those of a plain convolution. A filter that is even around its middle has a real transform.

Filters and waveforms stay in float32 whatever the precision of the training: rounded to bfloat16, the low
frequencies of a chunk would mask its high ones.
"""

import math
from typing import Any

import numpy as np
import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn
from torch.nn import functional

from mer.audio import hz_to_mel, mel_to_hz

FILTERS, TAPS, POOL = 80, 251, 3
HALF = TAPS // 2
LOWEST, MIN_LOW, MIN_BAND = 30.0, 50.0, 50.0  # Hz
EPSILON = 1e-6


class SincConv(nn.Module):
    """80 band-pass filters of 251 taps; the magnitudes of their outputs are max-pooled by three.

    Attributes
    ----------
    low, band : Parameter [shape=(filters,)]
        Low cut-off above 50 Hz, and bandwidth above 50 Hz; their absolute values count.
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
        """Low and high cut-offs in Hz, in order and at most half the sample rate [shape=(filters,)]."""
        nyquist = self.rate / 2
        low = (MIN_LOW + self.low.abs()).clamp(max=nyquist - MIN_BAND)
        return low, (low + MIN_BAND + self.band.abs()).clamp(max=nyquist)

    def filters(self) -> Tensor:
        """Windowed differences of two low-pass filters, 1 in the middle [shape=(filters, taps)]."""
        low, high = (cutoff[:, None] for cutoff in self.cutoffs())
        sines = torch.sin(high * self.radians) - torch.sin(low * self.radians)
        left = sines / (self.radians / 2) * self.window / (2 * (high - low))
        return torch.cat([left, torch.ones_like(low), left.flip(1)], dim=1)

    def forward(self, samples: Tensor) -> Tensor:
        """[shape=(n, samples)] -> [shape=(n, filters, (samples - 250) // 3)]."""
        kind = samples.device.type
        with torch.autocast(kind, enabled=False):
            pooled = filter_and_pool(samples.float(), self.filters())
        if torch.is_autocast_enabled(kind):
            return pooled.to(torch.get_autocast_dtype(kind))
        return pooled


class LastAxisNorm(nn.Module):
    """Layer normalization over the last axis, with a weight and a bias for every element.

    The standard deviation is that of a sample (n - 1), as in the authors' code. The divisor is the root of
    the variance plus the squared epsilon here, and the standard deviation plus epsilon, 1e-6, there: they
    differ by 1e-6 at most at a standard deviation of 1.
    """

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))
        self.shrink = (shape[-1] - 1) / shape[-1]

    def forward(self, x: Tensor) -> Tensor:
        """[shape=(n, ..., length)] -> the same shape."""
        x = functional.layer_norm(x, x.shape[-1:], eps=EPSILON**2 * self.shrink)
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        return torch.addcmul(bias, x, weight, value=math.sqrt(self.shrink))


class MaxPool(nn.Module):
    """Max-pooling by three; several times as fast as torch's, which also computes indices."""

    def forward(self, x: Tensor) -> Tensor:
        """[shape=(..., length)] -> [shape=(..., length // 3)]."""
        return _thirds(x).contiguous().amax(0)


def filter_and_pool(x: Tensor, filters: Tensor) -> Tensor:
    """Magnitudes of the outputs of even filters, max-pooled by three.

    Parameters
    ----------
    x : Tensor [shape=(n, samples)]
    filters : Tensor [shape=(filters, taps)]

    Returns
    -------
    Tensor [shape=(n, filters, (samples - taps + 1) // 3)]
    """
    if torch.is_grad_enabled():
        pooled: Tensor = _FilterAndPool.apply(x, filters)
        return pooled
    size = _fft_size(x.shape[1])
    response = _response(filters, size)
    outputs = (_inverse(spectrum * response) for spectrum in _spectrum(x, size))
    magnitudes = (y[:, HALF : x.shape[1] - HALF].abs_() for y in outputs)
    return torch.stack([functional.max_pool1d(y, POOL) for y in magnitudes])


class _FilterAndPool(torch.autograd.Function):
    """``filter_and_pool`` with a gradient.

    The backward pass needs only which of three outputs is the largest, and its sign, so these are saved in
    place of the outputs. Chunks are filtered one at a time: the outputs of one fit into the processor's
    cache.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor) -> Tensor:
        """[shape=(n, samples)], [shape=(filters, taps)] -> [shape=(n, filters, frames)]."""
        size = _fft_size(x.shape[1])
        spectra, response = _spectrum(x, size), _response(filters, size)
        pooled, signs = [], []
        for spectrum in spectra:
            y = _inverse(spectrum * response)[:, HALF : x.shape[1] - HALF]
            thirds = _thirds(y).contiguous()
            pooled.append(thirds.abs().amax(0))
            signs_of = _signs_by_division if x.device.type == "cpu" else _signs_by_comparison
            signs.append(signs_of(thirds, pooled[-1]))
        ctx.save_for_backward(spectra, response, *signs)
        ctx.samples = x.shape[1]
        return torch.stack(pooled)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of the samples and of the filters, which stay even."""
        spectra, response, *signs = ctx.saved_tensors
        of_filters, of_x = torch.zeros_like(response), []
        y = gradient.new_zeros(len(response), spectra.shape[1] - 2)
        thirds = _thirds(y[:, HALF : ctx.samples - HALF])
        for spectrum, slope, sign in zip(spectra, gradient, signs, strict=True):
            torch.mul(sign, slope, out=thirds)
            of_y = _spectrum(y, y.shape[1])
            of_filters.addcmul_(of_y, spectrum)
            of_x.append(of_y.mul_(response).sum(0))
        taps = torch.fft.irfft(of_filters.unflatten(1, (-1, 2)).sum(2))[:, : HALF + 1]
        samples = _inverse(torch.stack(of_x))[:, : ctx.samples]
        return samples, torch.cat([taps[:, 1:].flip(1), taps], 1)


def _signs_by_division(x: Tensor, largest: Tensor) -> Tensor:
    """The sign of the largest magnitude of each column, 0 for smaller ones; ``x`` is overwritten.

    On a CPU, a comparison takes three times as long. A GPU may round x / x below 1, which would give 0.

    Parameters
    ----------
    x : Tensor [shape=(3, ...)]
    largest : Tensor [shape=(...)]
        The largest magnitude of each column.
    """
    x /= largest.clamp(min=torch.finfo(x.dtype).tiny)
    return x.to(torch.int8)


def _signs_by_comparison(x: Tensor, largest: Tensor) -> Tensor:
    """As ``_signs_by_division``, exact on every device."""
    return (x.sign() * (x.abs() == largest)).to(torch.int8)


def _thirds(x: Tensor) -> Tensor:
    """The first, second and third of every three samples [shape=(3, ..., samples // 3)]."""
    return x[..., : x.shape[-1] // POOL * POOL].unflatten(-1, (-1, POOL)).movedim(-1, 0)


def _fft_size(samples: int) -> int:
    """An even size of a fast Fourier transform, at least ``samples``."""
    return 2 * next_fast_len((samples + 1) // 2, real=True)


def _spectrum(x: Tensor, size: int) -> Tensor:
    """Fourier transform, with real and imaginary parts in alternation [shape=(..., size + 2)]."""
    return torch.view_as_real(torch.fft.rfft(x, size)).flatten(-2)


def _inverse(spectrum: Tensor) -> Tensor:
    """The inverse of ``_spectrum``."""
    return torch.fft.irfft(torch.view_as_complex(spectrum.unflatten(-1, (-1, 2))))


def _response(filters: Tensor, size: int) -> Tensor:
    """The frequency response of even filters, each value twice [shape=(filters, size + 2)]."""
    gains = torch.fft.hfft(filters[:, HALF:], size)[:, : size // 2 + 1]
    return gains.repeat_interleave(2, 1)
