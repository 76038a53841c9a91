"""OpenL3: embeddings of 512 values from a network trained on music videos, with weights from the user.

Cramer, Wu, Salamon, Bello. Look, Listen, and Learn More: Design Choices for Deep Audio Embeddings.
ICASSP 2019. The audio branch for music, 256 mels, size 512, 4 689 860 values in all, with the defaults
of the authors' package: at 48 kHz, whatever the clip's rate (soxr in place of resampy; nothing is added
above the clip's own band), windows of 1 s every 0.1 s, the first centred on the first sample. Louro et
al.'s code uses the first window only, half of which is silence: ``pooling: first`` (docs/methods.md,
"Louro's OpenL3").
"""

from collections.abc import Iterator
from functools import cache
from importlib import metadata
from typing import Literal

import numpy as np
import soxr
import torch
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import PositiveInt
from torch import Tensor, nn

from mer.dsp.mel_filters import mel_filters
from mer.io.pretrained import Weights, in_order, load, load_weights, unusable_reason
from mer.runtime.device import device
from mer.schema import Block
from mer.types import Clip

RATE = 48000  # Hz, of the analysis
WINDOW, STEP = RATE, RATE // 10  # samples
N_FFT, HOP, MELS = 2048, 242, 256
RELEASED = {"pooling": "first"}  # the parameters of Louro et al.'s code
FRAMES = -(-WINDOW // HOP)  # the last are filled up with zeros
FLOOR, RANGE = 1e-10, 80.0  # of a magnitude; dB
FILTERS = (64, 64, 128, 128, 256, 256, 512, 512)  # of the convolutions, a pool after each second
EPSILON = 1e-3  # of Keras' batch norm
BATCH = 16  # windows


class Params(Block):
    """``families.openl3``.

    Attributes
    ----------
    sample_rate : Hz to which a clip is resampled before the analysis; null keeps that of the corpus
    pooling : the ``mean`` of the embeddings of all windows, or the ``first`` one
    """

    sample_rate: PositiveInt | None
    pooling: Literal["mean", "first"]
    weights: Weights


class Network(nn.Module):
    """Eight convolutions 3 x 3, and the maximum of each map."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.BatchNorm2d(1, eps=EPSILON)]
        for number, (before, after) in enumerate(zip((1, *FILTERS), FILTERS, strict=False), 1):
            layers.append(nn.Conv2d(before, after, 3, padding=1))
            if number < len(FILTERS):
                layers += [nn.BatchNorm2d(after, eps=EPSILON), nn.ReLU()]
            if number % 2 == 0:
                layers.append(nn.MaxPool2d(2 if number < len(FILTERS) else (32, 24)))
        self.layers = nn.Sequential(*layers, nn.Flatten())

    def forward(self, mel: Tensor) -> Tensor:
        """[shape=(n, 256, 199)] -> [shape=(n, 512)]."""
        return self.layers(mel.unsqueeze(1))


def names(params: Params) -> list[str]:
    """``openl3_000`` … ``openl3_511``."""
    return [f"openl3_{number:03d}" for number in range(FILTERS[-1])]


def missing(params: Params) -> str | None:
    """The reason why the family cannot be computed, missing weights; or None."""
    return unusable_reason(params.weights)


def on_gpu() -> bool:
    """Whether the network runs on a GPU: clips are then embedded one after the other."""
    return device().type == "cuda"


def versions() -> dict[str, str]:
    """Versions of the libraries that compute the values."""
    return {library: metadata.version(library) for library in ("numpy", "soxr", "torch")}


@cache
def _network(weights: Weights) -> Network:
    network = Network()
    load_weights(network, in_order(network, load(weights)), weights.file)
    return network.eval().to(device())


@cache
def _bands() -> np.ndarray:
    """Slaney's triangles [shape=(256, 1025)]."""
    return mel_filters(RATE, N_FFT, MELS)


def windows(samples: np.ndarray) -> np.ndarray:
    """The windows of a clip at 48 kHz [shape=(n, 48000)], the last filled up with zeros.

    ``n = 1 + ceil((len(samples) - 24000) / 4800)``: 296 for 30 s.
    """
    count = 1 + max(0, -(-(len(samples) - WINDOW // 2) // STEP))
    whole = np.zeros(WINDOW + (count - 1) * STEP, np.float32)
    whole[WINDOW // 2 :][: len(samples)] = samples
    return sliding_window_view(whole, WINDOW)[::STEP]


def spectrogram(window: np.ndarray) -> np.ndarray:
    """dB of a window's mel magnitudes below its maximum [shape=(256, 199), dtype=float32].

    Frames start at multiples of 242 samples; ten decibels are a factor of ten of the magnitude, as in
    kapre.
    """
    padded = np.pad(window, (0, N_FFT + (FRAMES - 1) * HOP - WINDOW))
    frames = sliding_window_view(padded, N_FFT)[::HOP]
    hann = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
    magnitudes = np.abs(np.fft.rfft(frames * hann)).astype(np.float32)
    decibels = 10 * np.log10(np.maximum(_bands() @ magnitudes.T, FLOOR))
    return np.maximum(decibels - decibels.max(), -RANGE).astype(np.float32)


def _batches(parts: np.ndarray) -> Iterator[Tensor]:
    for start in range(0, len(parts), BATCH):
        block = [spectrogram(window) for window in parts[start : start + BATCH]]
        yield torch.from_numpy(np.stack(block)).to(device())


@torch.no_grad()
def embed(samples: np.ndarray, params: Params) -> np.ndarray:
    """Embeddings of every window, or of the first alone, of samples at 48 kHz [shape=(n, 512)]."""
    parts = windows(samples)[: 1 if params.pooling == "first" else None]
    network = _network(params.weights)
    return np.concatenate([network(batch).cpu().numpy() for batch in _batches(parts)])


def extract(clip: Clip, params: Params) -> np.ndarray:
    """Embed one clip.

    Parameters
    ----------
    clip : Clip
        At any rate.

    Returns
    -------
    np.ndarray [shape=(512,), dtype=float32]
    """
    return embed(soxr.resample(clip.samples, clip.sample_rate, RATE, quality="HQ"), params).mean(
        axis=0
    )
