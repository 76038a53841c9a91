"""MusiCNN: 200 values that a network learnt by tagging the Million Song Dataset.

Pons, Serra. musicnn: Pre-trained Convolutional Neural Networks for Music Audio Tagging. ISMIR late-breaking
demo, 2019. The weights come inside the authors' package (ISC licence), whose code is not run.

A clip is resampled to 16 kHz. Its mel spectrogram has 96 bands, of windows of 512 samples every 256, in the
scale ``log10(1 + 10000 S)``. It is divided into patches of 187 frames (3 s), one after the other, and the
200 values of the penultimate layer are averaged over patches. A last, shorter patch is dropped; a clip
shorter than a patch is repeated.

The 50 tags that the network learnt contain moods ("happy", "sad", "Mellow", …), and songs of a corpus may
be among those that it was trained on: scores that use this family are not free of either.
"""

from collections.abc import Iterator
from functools import cache
from importlib import metadata
from typing import Literal

import numpy as np
import soxr
import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from mer.audio import with_peak
from mer.dsp.mel_filters import mel_filters
from mer.features.musicnn.network import BANDS, FRAMES, NAMES, UNITS, MusiCNN
from mer.io.pretrained import Weights, load, load_weights, renamed, unusable_reason
from mer.runtime.device import device
from mer.schema import Block, PeakDb
from mer.types import Clip

SAMPLE_RATE = 16000
N_FFT, HOP_LENGTH = 512, 256
BATCH = 10  # patches


class Params(Block):
    """``families.musicnn``.

    Attributes
    ----------
    sample_rate : Hz to which a clip is resampled before the analysis; null keeps that of the corpus
    pooling : statistics over the patches: the ``mean``, or ``mean_std``, with the standard deviation
    peak_db : level in dBFS to which the peak of a clip is brought before the analysis, so that its level
        does not change the embeddings; null keeps the level, which does
    """

    sample_rate: PositiveInt | None
    pooling: Literal["mean", "mean_std"] = Field(default="mean")
    peak_db: PeakDb = Field(default=None)
    weights: Weights


def names(params: Params) -> list[str]:
    """``musicnn_mean_000`` … ``musicnn_mean_199``, then ``musicnn_std_000`` … where selected."""
    return [f"musicnn_{s}_{unit:03d}" for s in params.pooling.split("_") for unit in range(UNITS)]


def missing(params: Params) -> str | None:
    """Why the family cannot be computed here: weights that are not there; or None."""
    return unusable_reason(params.weights)


def on_gpu() -> bool:
    """Whether the network runs on a GPU: clips are then embedded one after the other."""
    return device().type == "cuda"


def versions() -> dict[str, str]:
    """Versions of the libraries that decide the values."""
    return {library: metadata.version(library) for library in ("numpy", "soxr", "torch")}


@cache
def _network(weights: Weights) -> MusiCNN:
    network = MusiCNN()
    arrays = renamed(load(weights), {theirs: ours for ours, theirs in NAMES.items()})
    load_weights(network, arrays, weights.file)
    return network.eval().to(device())


@cache
def _filters() -> np.ndarray:
    """Slaney's triangles [shape=(96, 257)]."""
    return mel_filters(SAMPLE_RATE, N_FFT, BANDS)


def spectrogram(samples: np.ndarray) -> np.ndarray:
    """``log10(1 + 10000 S)`` of the mel power ``S`` of samples at 16 kHz.

    Returns
    -------
    np.ndarray [shape=(1 + n // 256, 96), dtype=float32]
        Frames are centred; beyond the ends there are zeros.
    """
    padded = np.pad(samples, N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP_LENGTH]
    hann = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(frames * hann)) ** 2
    return np.log10(1 + 10000 * (power @ _filters().T)).astype(np.float32)


def patches(mel: np.ndarray) -> np.ndarray:
    """Patches of a spectrogram, one after the other [shape=(n, 187, 96)]."""
    if len(mel) < FRAMES:
        mel = np.resize(mel, (FRAMES, BANDS))
    count = len(mel) // FRAMES
    return mel[: count * FRAMES].reshape(count, FRAMES, BANDS)


def _batches(parts: np.ndarray) -> Iterator[Tensor]:
    for batch in torch.from_numpy(parts).split(BATCH):
        yield batch.to(device())


@torch.no_grad()
def embed(samples: np.ndarray, params: Params) -> np.ndarray:
    """Embeddings of every patch of samples at 16 kHz [shape=(n, 200), dtype=float32]."""
    network = _network(params.weights)
    parts = patches(spectrogram(samples))
    return np.concatenate([network(batch).cpu().numpy() for batch in _batches(parts)])


def extract(clip: Clip, params: Params) -> np.ndarray:
    """Embed one clip.

    Parameters
    ----------
    clip : Clip
        At any sample rate.

    Returns
    -------
    np.ndarray [shape=(200,) or (400,), dtype=float32]
    """
    samples = soxr.resample(clip.samples, clip.sample_rate, SAMPLE_RATE, quality="HQ")
    found = embed(with_peak(samples, params.peak_db), params)
    statistics = {"mean": found.mean(axis=0), "std": found.std(axis=0)}
    return np.concatenate([statistics[name] for name in params.pooling.split("_")])
