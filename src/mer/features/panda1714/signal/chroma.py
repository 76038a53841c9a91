"""Pitch classes: chroma, key strengths, tonal centroid.

Krumhansl & Kessler. Tracing the dynamic changes in perceived tonal organization. Psychological
Review 89, 1982. Harte, Sandler, Gasser. Detecting harmonic change in musical audio. AMCMM 2006.
"""

from functools import cache

import numpy as np

from mer.features.panda1714.signal.spectra import TINY, ratio

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
C4 = 261.6256  # Hz
LOWEST, HIGHEST = 100, 5000  # Hz, as in mirchromagram
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


@cache
def bank(bins: int, sample_rate: int) -> np.ndarray:
    """The pitch class of each bin between 100 and 5000 Hz [shape=(bins, 12)], C first."""
    frequencies = np.linspace(0, sample_rate / 2, bins)
    inside = (frequencies >= LOWEST) & (frequencies <= HIGHEST)
    semitones = np.round(12 * np.log2(np.maximum(frequencies, 1) / C4)).astype(int) % 12
    return (inside[:, None] & (semitones[:, None] == np.arange(12))).astype(np.float32)


def chromagram(magnitudes: np.ndarray, sample_rate: int) -> np.ndarray:
    """Sums of the magnitudes of each pitch class [shape=(n, 12)]."""
    return (magnitudes @ bank(magnitudes.shape[1], sample_rate)).astype(float)


def strengths(chroma: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Correlation of a chroma vector with a profile on each tonic, -1..1 [shape=(12,)]."""
    if np.ptp(chroma) <= 1e-9 * np.abs(chroma).max():
        return np.zeros(12)
    centred, expected = chroma - chroma.mean(), profile - profile.mean()
    turned = np.array([np.roll(expected, tonic) for tonic in range(12)])
    return turned @ centred / (np.linalg.norm(centred) * np.linalg.norm(expected))


def salient(magnitudes: np.ndarray, sample_rate: int) -> np.ndarray:
    """Pitch classes of what is within 20 dB of a frame's peak, in dB above that [shape=(n, 12)].

    As mirchromagram has it; the largest is 1.
    """
    peak = np.maximum(magnitudes.max(axis=1, keepdims=True), TINY)
    levels = np.maximum(20 * np.log10(np.maximum(magnitudes / peak, TINY)) + 20, 0)
    found = chromagram(levels.astype(np.float32), sample_rate)
    return ratio(found, found.max(axis=1, keepdims=True))


def tonal_centroid(chroma: np.ndarray) -> np.ndarray:
    """Places on the circles of fifths, minor and major thirds, sine and cosine [shape=(n, 6)].

    As mirtonalcentroid has it: of a chroma vector with maximum 1, not of one with sum 1.
    """
    angles = np.outer(np.arange(12), np.pi * np.array([7 / 6, 3 / 2, 2 / 3]))
    circles = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(12, 6)
    return chroma @ circles
