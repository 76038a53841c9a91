"""The voice channel: what a named separator leaves of a mixture.

A separator takes the samples of a mixture [shape=(n,), dtype=float32] and their sample rate in Hz, and
returns those of the voice, as many. To add one, enter it in ``SEPARATORS`` under the name that
``families.panda1714.separator`` selects it by.
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, rfft
from scipy.ndimage import maximum_filter1d

HOP = 1024  # samples
FRAME = 2 * HOP
WINDOW = np.sin(np.pi * (np.arange(FRAME) + 0.5) / FRAME).astype(np.float32)
APART = 1.0  # s, at least, between two frames taken for repetitions of the same
REPETITIONS = 20  # at most, of which the median is taken
BLOCK = 256  # frames whose repetitions are looked for at once
LOWEST = 100.0  # Hz, of a voice


def _none(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """The mixture itself, to measure the value of the separation."""
    return samples


def _repet_sim(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """The non-repeating part: the excess of a frame over the median of the frames most similar to it.

    Rafii & Pardo, Music/Voice Separation using the Similarity Matrix, ISMIR 2012 (REPET-SIM). It suits
    voices over loops; chords that return seldom go to the voice. A clip of less than a second is too
    short for a repetition and leaves no voice.
    """
    spectra = _spectra(samples)
    magnitudes = np.abs(spectra)
    background = _repeating(magnitudes, max(1, round(APART * sample_rate / HOP)))
    np.minimum(background, magnitudes, out=background)
    voice = 1 - background / np.maximum(magnitudes, np.finfo(np.float32).tiny)
    voice[:, : int(LOWEST * FRAME / sample_rate) + 1] = 0
    return _signal(spectra * voice, len(samples))


SEPARATORS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "none": _none,
    "repet_sim": _repet_sim,
}


def _spectra(samples: np.ndarray) -> np.ndarray:
    """Spectra of frames that overlap by half [shape=(frames, bins), dtype=complex64]."""
    padded = np.pad(samples.astype(np.float32), (HOP, HOP + -len(samples) % HOP))
    return rfft(sliding_window_view(padded, FRAME)[::HOP] * WINDOW)


def _signal(spectra: np.ndarray, length: int) -> np.ndarray:
    """The signal [shape=(length,), dtype=float32] of spectra, by overlap and addition."""
    frames = irfft(spectra, FRAME) * WINDOW
    return (frames[:-1, HOP:] + frames[1:, :HOP]).ravel()[:length]


def _repeating(magnitudes: np.ndarray, apart: int) -> np.ndarray:
    """Median, bin by bin, of the frames most similar to each; itself is the first of them.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(frames, bins), dtype=float32]
    apart : int
        Frames between two that are taken; the more similar of two that are closer is.
    """
    norms = np.linalg.norm(magnitudes, axis=1, keepdims=True)
    unit = magnitudes / np.maximum(norms, np.finfo(np.float32).tiny)
    similarity = unit @ unit.T
    medians = np.zeros_like(magnitudes)
    for start in range(0, len(similarity), BLOCK):
        block = similarity[start : start + BLOCK]
        best = block >= maximum_filter1d(block, 2 * apart + 1, axis=1)
        score = np.where(best, block, 0)
        order = np.argsort(-score, axis=1, kind="stable")[:, :REPETITIONS]
        counts = np.minimum((score > 0).sum(axis=1), REPETITIONS)
        for count in np.unique(counts[counts > 0]):
            rows = np.flatnonzero(counts == count)
            medians[start + rows] = np.median(magnitudes[order[rows, :count]], axis=1)
    return medians
