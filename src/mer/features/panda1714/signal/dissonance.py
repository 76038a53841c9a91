"""Sensory dissonance and roughness.

Sethares. Local consonance and the relationship between timbre and scale. JASA 94, 1993. Hutchinson,
Knopoff. The acoustic component of Western consonance. Interface 7, 1978. Daniel, Weber.
Psychoacoustical roughness: implementation of an optimized model. Acustica 83, 1997 (proxy: the
modulation depth of ten bands, without their correlation).
"""

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
from scipy.fft import ifft, rfft

from mer.features.panda1714.signal.loudness import bark
from mer.features.panda1714.signal.spectra import ratio

ROUGH = (20.0, 300.0)  # Hz of modulation
ROUGHEST = 70.0  # Hz
EDGES = np.linspace(1, 21, 11)  # Bark


def plomp_levelt(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Sethares' fit of the dissonance of two tones, from their frequencies in Hz."""
    apart = 0.24 / (0.0207 * low + 18.96) * (high - low)
    return np.exp(-3.51 * apart) - np.exp(-5.75 * apart)


def critical_band(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Hutchinson and Knopoff's, by the critical bandwidth 1.72 f^0.65."""
    apart = (high - low) / np.maximum(1.72 * ((low + high) / 2) ** 0.65, 1e-9)
    return np.where(apart < 1.2, (4 * apart * np.exp(1 - 4 * apart)) ** 2, 0)


CURVES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "HK": critical_band,
    "S": plomp_levelt,
}


def sethares(frequencies: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Sum over the pairs of partials of their dissonance times their amplitudes [shape=(n,)].

    Parameters
    ----------
    frequencies, amplitudes : np.ndarray [shape=(n, partials)]
        Hz, rising; an absent partial has amplitude 0.
    """
    low, high = np.triu_indices(frequencies.shape[1], 1)
    curve = plomp_levelt(frequencies[:, low], np.maximum(frequencies[:, high], frequencies[:, low]))
    return (amplitudes[:, low] * amplitudes[:, high] * curve).sum(axis=1)


@cache
def _matrix(curve: str, buffer: bytes) -> np.ndarray:
    """Half the dissonance of each pair of frequencies [shape=(k, k)]."""
    frequencies = np.frombuffer(buffer)
    return (
        CURVES[curve](
            np.minimum.outer(frequencies, frequencies), np.maximum.outer(frequencies, frequencies)
        )
        / 2
    )


def dissonance(curve: str, frequencies: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Dissonance of partials at the same frequencies in every frame [shape=(n,)].

    Parameters
    ----------
    curve : str
        A key of ``CURVES``.
    frequencies : np.ndarray [shape=(k,)]
        Hz.
    amplitudes : np.ndarray [shape=(n, k)]
    """
    matrix = _matrix(curve, frequencies.tobytes()).astype(amplitudes.dtype)
    return np.einsum("ij,ij->i", amplitudes @ matrix, amplitudes)


def normalized(amplitudes: np.ndarray) -> np.ndarray:
    """Amplitudes whose squares sum to 1 in each frame [shape of amplitudes]."""
    return ratio(amplitudes, np.linalg.norm(amplitudes, axis=1, keepdims=True))


def tonal(magnitudes: np.ndarray) -> np.ndarray:
    """Terhardt's tonal components: the bins 7 dB above those two and three away [shape=(n, bins)].

    Bins that are none, or 40 dB below the frame's largest, are 0.
    """
    padded = np.pad(magnitudes, ((0, 0), (3, 3)))
    bins = magnitudes.shape[1]
    shifted = {away: padded[:, 3 + away : 3 + away + bins] for away in (-3, -2, -1, 1, 2, 3)}
    clear = (magnitudes > shifted[-1]) & (magnitudes >= shifted[1])
    for away in (-3, -2, 2, 3):
        clear &= magnitudes >= 10 ** (7 / 20) * shifted[away]
    return np.where(
        clear & (magnitudes > 0.01 * magnitudes.max(axis=1, keepdims=True)), magnitudes, 0
    )


def modulation(spectra: np.ndarray, sample_rate: int) -> np.ndarray:
    """Depth of the roughness-bearing modulation of each band, squared [shape=(n, bands)].

    The envelope of a band is the magnitude of the inverse transform of its bins alone. A band counts
    by its share of the loudness, one 40 dB below the loudest not at all.

    Parameters
    ----------
    spectra : np.ndarray [shape=(n, bins), complex]
    """
    step = sample_rate / (2 * (spectra.shape[1] - 1))
    edges = np.searchsorted(bark(np.arange(spectra.shape[1]) * step), EDGES)
    size = 512
    rates = np.arange(size // 2 + 1) * step
    weight = np.where((rates >= ROUGH[0]) & (rates <= ROUGH[1]), _carried(rates), 0)
    depths, powers = [], []
    for low, high in pairwise(edges):
        band = spectra[:, low:high]
        spectrum = np.abs(rfft(np.abs(ifft(band, size))))
        depths.append(ratio(2 * (spectrum * weight).max(axis=1), spectrum[:, 0]) ** 2)
        powers.append((np.abs(band) ** 2).sum(axis=1))
    power = np.array(powers).T
    loudness = np.where(power > 1e-4 * power.max(axis=1, keepdims=True), power, 0) ** 0.23
    return np.array(depths).T * ratio(loudness, loudness.sum(axis=1, keepdims=True))


def _carried(rates: np.ndarray) -> np.ndarray:
    """Weight of a modulation rate in Hz in the roughness, 1 at 70 Hz."""
    return rates / ROUGHEST * np.exp(1 - rates / ROUGHEST)
