"""Pitch classes: chroma, key strengths, tonal centroid.

Lartillot, Toiviainen. A Matlab toolbox for musical feature extraction from audio. DAFx 2007 (chroma).
Krumhansl & Kessler. Tracing the dynamic changes in perceived tonal organization. Psychological
Review 89, 1982. Harte, Sandler, Gasser. Detecting harmonic change in musical audio. AMCMM 2006.
"""

from functools import cache

import numpy as np

from mer.features.panda1714.signal.spectra import TINY, ratio

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
C4 = 261.6256  # Hz
LOWEST, HIGHEST = 100, 5000  # Hz, of the sums
TOP = 6400  # Hz: mirchromagram widens 100 to 5000 Hz to whole octaves
RESOLUTION = 0.85 * (2 ** (1 / 12) - 1)  # of a spectrum at its lowest frequency, at least
RANGE = 20  # dB below the peak of a spectrum
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


@cache
def bank(bins: int, sample_rate: int) -> np.ndarray:
    """The pitch class of each bin between 100 and 5000 Hz [shape=(bins, 12)], C first."""
    frequencies = np.linspace(0, sample_rate / 2, bins)
    inside = (frequencies >= LOWEST) & (frequencies <= HIGHEST)
    semitones = np.round(12 * np.log2(np.maximum(frequencies, 1) / C4)).astype(int) % 12
    return (inside[:, None] & (semitones[:, None] == np.arange(12))).astype(np.float32)


def sums(magnitudes: np.ndarray, sample_rate: int) -> np.ndarray:
    """Sums of the magnitudes of each pitch class [shape=(n, 12)].

    A class whose semitones span more bins gets more of a noise: Marsyas' columns alone are of these sums.
    """
    return (magnitudes @ bank(magnitudes.shape[1], sample_rate)).astype(float)


def strengths(chroma: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Correlation of a chroma vector with a profile on each tonic, -1..1 [shape=(12,)]."""
    if np.ptp(chroma) <= 1e-9 * np.abs(chroma).max():
        return np.zeros(12)
    centred, expected = chroma - chroma.mean(), profile - profile.mean()
    turned = np.array([np.roll(expected, tonic) for tonic in range(12)])
    return turned @ centred / (np.linalg.norm(centred) * np.linalg.norm(expected))


def chromagram(magnitudes: np.ndarray, seconds: float, sample_rate: int) -> np.ndarray:
    """Pitch classes of what is within 20 dB of a spectrum's peak, the largest 1 [shape=(n, 12)].

    As mirchromagram has it. Levels in dB above the threshold are averaged over the bins of each semitone,
    and the means, of which the lowest and the highest count half, are summed over whole octaves from the
    lowest frequency on. That is 100 Hz, or higher where the samples are too few to tell semitones apart
    there: 396 Hz for 50 ms. mirchromagram also scales the samples of a frame to 0..1, whose offset is not
    in our spectra.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(n, bins)]
        Up to the Nyquist frequency.
    seconds : float
        What a spectrum is of, without padding.
    """
    frequencies = np.linspace(0, sample_rate / 2, magnitudes.shape[1])
    low = max(LOWEST, 1 / (seconds * RESOLUTION))
    first, last = np.searchsorted(frequencies, [low, TOP])
    found = np.zeros((12, len(magnitudes)))
    if first >= last:
        return found.T
    shown, frequencies = magnitudes[:, first:last], frequencies[first:last]
    peak = np.maximum(shown.max(axis=1, keepdims=True), TINY)
    levels = np.maximum(20 * np.log10(np.maximum(shown / peak, TINY)) + RANGE, 0)
    octaves = np.floor(np.log2(frequencies[-1] / frequencies[0]))
    frequencies = frequencies[frequencies <= frequencies[0] * 2**octaves]
    lowest, highest = np.round(12 * np.log2(frequencies[[0, -1]] / C4)).astype(int)
    centres = C4 * 2 ** (np.arange(lowest - 1, highest + 2) / 12)
    places = np.searchsorted(frequencies, (centres[1:] + centres[:-1]) / 2)
    running = np.pad(levels[:, : len(frequencies)].cumsum(axis=1, dtype=float), ((0, 0), (1, 0)))
    means = ratio(np.diff(running[:, places]), np.diff(places))
    means[:, [0, -1]] /= 2
    np.add.at(found, np.arange(lowest, highest + 1) % 12, means.T)
    return ratio(found, found.max(axis=0)).T


def tonal_centroid(chroma: np.ndarray) -> np.ndarray:
    """Places on the circles of fifths, minor and major thirds, sine and cosine [shape=(n, 6)].

    The circle of major thirds has the radius 0.5, the others 1. As mirtonalcentroid has it: of a chroma
    vector with maximum 1, not of one with sum 1.
    """
    angles = np.outer(np.arange(12), np.pi * np.array([7 / 6, 3 / 2, 2 / 3]))
    circles = np.stack([np.sin(angles), np.cos(angles)], axis=2) * np.array([1, 1, 0.5])[:, None]
    return chroma @ circles.reshape(12, 6)
