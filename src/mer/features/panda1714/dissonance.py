"""Sensory dissonance and roughness.

Sethares. Local consonance and the relationship between timbre and scale. JASA 94, 1993. Hutchinson,
Knopoff. The acoustic component of Western consonance. Interface 7, 1978. Daniel, Weber.
Psychoacoustical roughness: implementation of an optimized model. Acustica 83, 1997 (proxy: the
modulation depth of ten bands, without their correlation).
"""

import numpy as np
from scipy.fft import ifft, rfft

from mer.features.panda1714.loudness import bark
from mer.features.panda1714.spectra import ratio

ROUGH = (20.0, 300.0)  # Hz of modulation
ROUGHEST = 70.0  # Hz
EDGES = np.linspace(1, 21, 11)  # Bark


def _pairs(frequencies: np.ndarray, amplitudes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Lower frequency, upper frequency and product of amplitudes of each pair [shape=(n, pairs)]."""
    one, other = np.triu_indices(frequencies.shape[1], 1)
    low = np.minimum(frequencies[:, one], frequencies[:, other])
    high = np.maximum(frequencies[:, one], frequencies[:, other])
    return low, high, amplitudes[:, one] * amplitudes[:, other]


def sethares(frequencies: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Sum over the pairs of partials of Plomp and Levelt's curve [shape=(n,)].

    Parameters
    ----------
    frequencies, amplitudes : np.ndarray [shape=(n, partials)]
        Hz; an absent partial has amplitude 0.
    """
    low, high, product = _pairs(frequencies, amplitudes)
    apart = 0.24 / (0.0207 * low + 18.96) * (high - low)
    return (product * (np.exp(-3.51 * apart) - np.exp(-5.75 * apart))).sum(axis=1)


def hutchinson_knopoff(frequencies: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """The same by the critical bandwidth 1.72 f^0.65, over the energy of the partials [shape=(n,)]."""
    low, high, product = _pairs(frequencies, amplitudes)
    apart = (high - low) / np.maximum(1.72 * ((low + high) / 2) ** 0.65, 1e-9)
    curve = np.where(apart < 1.2, (4 * apart * np.exp(1 - 4 * apart)) ** 2, 0)
    return ratio((product * curve).sum(axis=1), (amplitudes**2).sum(axis=1))


def modulation(spectra: np.ndarray, rate: int) -> np.ndarray:
    """Depth of the roughness-bearing modulation of each band, squared [shape=(n, bands)].

    The envelope of a band is the magnitude of the inverse transform of its bins alone.

    Parameters
    ----------
    spectra : np.ndarray [shape=(n, bins), complex]
    """
    step = rate / (2 * (spectra.shape[1] - 1))
    edges = np.searchsorted(bark(np.arange(spectra.shape[1]) * step), EDGES)
    size = 512
    rates = np.arange(size // 2 + 1) * step
    weight = np.where((rates >= ROUGH[0]) & (rates <= ROUGH[1]), _carried(rates), 0)
    found = []
    for low, high in zip(edges[:-1], edges[1:]):
        envelope = np.abs(ifft(spectra[:, low:high], size))
        spectrum = np.abs(rfft(envelope**2, axis=1))
        found.append(ratio((spectrum * weight).max(axis=1), spectrum[:, 0]) ** 2)
    return np.array(found).T


def _carried(rates: np.ndarray) -> np.ndarray:
    """How much a modulation rate in Hz adds to roughness, 1 at 70 Hz."""
    return rates / ROUGHEST * np.exp(1 - rates / ROUGHEST)
