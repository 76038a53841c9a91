"""Mel-frequency cepstra, real and complex cepstra."""

from functools import cache

import numpy as np
from scipy.fft import dct, irfft

from mer.features.panda1714.signal.spectra import TINY

LINEAR, BANDS = 13, 40  # filters spaced linearly, filters in all
SILENT = 1e-20  # power


@cache
def mel_filters(bins: int, sample_rate: int) -> np.ndarray:
    """Slaney's forty triangles of equal area [shape=(bins, 40)].

    Slaney. Auditory Toolbox, version 2. Interval Research TR 1998-010: 133 Hz, 13 steps of 67 Hz,
    then factors of 1.071 up to 6.9 kHz. Both toolboxes took it over.
    """
    linear = 133.3333 + 66.66667 * np.arange(LINEAR)
    edges = np.r_[linear, linear[-1] * 1.0711703 ** np.arange(1, BANDS - LINEAR + 3)]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    frequencies = np.linspace(0, sample_rate / 2, bins)[:, None]
    rising, falling = (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    return np.maximum(np.minimum(rising, falling), 0) * 2 / (high - low)


def mfcc(magnitudes: np.ndarray, sample_rate: int, count: int) -> np.ndarray:
    """Cosine transform of the log10 of the power of the mel bands [shape=(count, n)].

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(n, bins)]
    """
    bank = mel_filters(magnitudes.shape[1], sample_rate)
    levels = np.log10(np.maximum(magnitudes**2 @ bank.astype(np.float32), SILENT))
    return dct(levels.astype(float), type=2, norm="ortho", axis=1)[:, :count].T


def real_cepstrum(spectra: np.ndarray) -> np.ndarray:
    """The real cepstrum: of the log magnitude, at quefrencies up to half a frame [shape=(n, q)]."""
    found = irfft(np.log(np.maximum(np.abs(spectra), TINY)), axis=1)
    return found[:, : found.shape[1] // 2]


def complex_cepstrum(spectra: np.ndarray) -> np.ndarray:
    """The complex cepstrum: with the phase, unwrapped and without its linear part [shape=(n, q)].

    The negative quefrencies follow the positive ones, as in the inverse transform: read as places from 0
    on, they are large positive ones. Which of the two PsySound does is not known.
    """
    phase = np.unwrap(np.angle(spectra), axis=1)
    ramp = np.arange(phase.shape[1]) / (phase.shape[1] - 1)
    delay = np.round(phase[:, -1:] / np.pi) * np.pi
    log = np.log(np.maximum(np.abs(spectra), TINY)) + 1j * (phase - delay * ramp)
    return irfft(log, axis=1)
