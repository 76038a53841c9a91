"""Energy in bands: MPEG-7 quarter octaves, fractional octaves, constant-Q."""

from functools import cache

import numpy as np
from scipy.fft import rfft

from mer.features.panda1714.signal.spectra import frames

QUARTERS = 21  # of Marsyas' 24 bands those below the Nyquist frequency of 22.05 kHz
C1 = 32.703  # Hz
LONG = 16384  # samples of a constant-Q frame


def quarter_octaves(bins: int, sample_rate: int) -> list[slice]:
    """Bands of a quarter octave from 250 Hz, widened by 5 % at both ends, as bins."""
    edges = 250 * 2 ** (np.arange(QUARTERS + 1) / 4)
    step = sample_rate / (2 * (bins - 1))
    low = np.round(0.95 * edges[:-1] / step).astype(int)
    high = np.round(1.05 * edges[1:] / step).astype(int)
    return [slice(start, end + 1) for start, end in zip(low.tolist(), high.tolist())]


def flatness_and_crest(power: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Geometric mean, and maximum, over arithmetic mean of each band [shape=(21, n)]; silence 1.

    ISO/IEC 15938-4 (MPEG-7 audio), AudioSpectrumFlatness.
    """
    logs = np.log(np.maximum(power, 1e-30))
    flat, crest = [], []
    for band in quarter_octaves(power.shape[1], sample_rate):
        mean = power[:, band].mean(axis=1, dtype=float)
        sounding = mean > 1e-20
        safe = np.where(sounding, mean, 1)
        flat.append(np.where(sounding, np.exp(logs[:, band].mean(axis=1)) / safe, 1))
        crest.append(np.where(sounding, power[:, band].max(axis=1) / safe, 1))
    return np.array(flat), np.array(crest)


def octave_fractions(power: np.ndarray, sample_rate: int, fraction: int) -> np.ndarray:
    """Power in the bands of 1/fraction octave around 1 kHz, 44 Hz up to Nyquist [shape=(bands,)].

    The centres are at 1000 Hz times 2^(n / fraction). For even fractions, such as 12, those of IEC 61260
    lie half a band away.

    Parameters
    ----------
    power : np.ndarray [shape=(bins,)]
        A bin narrower than a band is shared out in proportion.
    """
    top = np.floor(fraction * np.log2(sample_rate / 2000) - 0.5)
    numbers = np.arange(-round(4.5 * fraction), top + 2) - 0.5
    edges = 1000 * 2 ** (numbers / fraction)
    upper = (np.arange(len(power)) + 0.5) * sample_rate / (2 * (len(power) - 1))
    return np.diff(np.interp(edges, np.r_[0, upper], np.r_[0, power.cumsum()]))


@cache
def _constant_q(sample_rate: int) -> np.ndarray:
    """Spectral kernels of 84 semitones from C1 [shape=(bins, 84)].

    Brown, Puckette. An efficient algorithm for the calculation of a constant Q transform. JASA 92.
    """
    quality = 1 / (2 ** (1 / 12) - 1)
    kernels = []
    for frequency in C1 * 2 ** (np.arange(84) / 12):
        size = min(int(quality * sample_rate / frequency), LONG)
        time = np.arange(size) - size // 2
        tone = np.hanning(size) / size * np.exp(2j * np.pi * frequency / sample_rate * time)
        kernels.append(
            np.fft.fft(np.pad(tone, ((LONG - size) // 2, (LONG - size + 1) // 2)))[: LONG // 2 + 1]
        )
    found = np.array(kernels).T
    return np.where(np.abs(found) > 1e-3 * np.abs(found).max(axis=0), found, 0).astype(np.complex64)


def constant_q(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mean magnitude of 84 semitones from C1 up over half-overlapping frames [shape=(84,)]."""
    found = rfft(np.ascontiguousarray(frames(samples, LONG, LONG // 2), np.float32))
    return np.abs(found @ np.conj(_constant_q(sample_rate))).mean(axis=0, dtype=float) / (LONG / 2)
