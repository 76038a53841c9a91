"""Fundamental frequency and pitch percepts.

de Cheveigné, Kawahara. YIN, a fundamental frequency estimator for speech and music. JASA 111, 2002.
Camacho, Harris. A sawtooth waveform inspired pitch estimator (SWIPE'). JASA 124, 2008.
Terhardt, Stoll, Seewann. Algorithm for extraction of pitch and pitch salience. JASA 71, 1982;
Parncutt. Harmony: a psychoacoustical approach, 1989 (proxies).
"""

from functools import cache

import numpy as np
from scipy.fft import irfft, rfft

from mer.features.panda1714.signal.loudness import erb_to_hz
from mer.features.panda1714.signal.spectra import parabolic_peaks, ratio

LOWEST, HIGHEST = 60, 2000  # Hz
THRESHOLD = 0.15  # of YIN
PITCHES = 60 * 2 ** (np.arange(0, 5 * 24 + 1) / 24)  # Hz, quarter tones
PLACES = erb_to_hz(np.arange(0.6, 36.1, 0.1))  # Hz, 15 to 10 900 on the ERB scale
SIZES = (1024, 2048, 4096)  # samples
PRIMES = (1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31)


def yin(frames: np.ndarray, sample_rate: int) -> np.ndarray:
    """The fundamental of each frame in Hz [shape=(n,)], 0 for a silent frame.

    Parameters
    ----------
    frames : np.ndarray [shape=(n, size)]
    """
    longest = sample_rate // LOWEST + 1
    curve = _difference(frames, longest)
    shortest = sample_rate // HIGHEST
    dips = (curve[:, 1:-1] < curve[:, :-2]) & (curve[:, 1:-1] <= curve[:, 2:])
    dips &= (curve[:, 1:-1] < THRESHOLD) & (np.arange(1, longest) >= shortest)
    lowest = curve[:, shortest:longest].argmin(axis=1) + shortest
    lag = np.where(dips.any(axis=1), dips.argmax(axis=1) + 1, lowest)
    period = parabolic_peaks(-curve, lag[:, None])[:, 0]
    return np.where(np.abs(frames).max(axis=1) > 0, sample_rate / period, 0)


def _difference(frames: np.ndarray, longest: int) -> np.ndarray:
    """YIN's cumulative mean normalized difference at the lags 0..longest [shape=(n, longest + 1)]."""
    window = frames.shape[1] - longest
    spectrum = rfft(frames.astype(np.float32))
    start = rfft(frames[:, :window].astype(np.float32), frames.shape[1])
    cross = irfft(spectrum * np.conj(start), frames.shape[1])[:, : longest + 1].astype(float)
    energy = np.pad((frames.astype(float) ** 2).cumsum(axis=1), ((0, 0), (1, 0)))
    moved = energy[:, window : window + longest + 1] - energy[:, : longest + 1]
    difference = np.maximum(moved[:, :1] + moved - 2 * cross, 0)
    difference[:, 0] = 0
    mean = difference.cumsum(axis=1) / np.maximum(np.arange(longest + 1), 1)
    return np.where(mean > 0, difference / np.where(mean > 0, mean, 1), 1)


@cache
def _kernels() -> np.ndarray:
    """SWIPE' kernels: cosine lobes at the prime harmonics of each pitch [shape=(places, pitches)]."""
    multiple = PLACES[:, None] / PITCHES
    wave = np.cos(2 * np.pi * multiple)
    found = np.zeros_like(multiple)
    for harmonic in PRIMES:
        away = np.abs(multiple - harmonic)
        found += np.where(away < 0.25, wave, np.where(away < 0.75, wave / 2, 0))
    found /= np.sqrt(PLACES)[:, None]
    return (found / np.linalg.norm(np.maximum(found, 0), axis=0)).astype(np.float32)


def _similarity(magnitudes: np.ndarray, sample_rate: int) -> np.ndarray:
    """Cosine of the root spectrum on the ERB scale with each kernel [shape=(n, pitches)]."""
    place = PLACES / (sample_rate / (2 * (magnitudes.shape[1] - 1)))
    low = place.astype(int)
    part = (place - low).astype(np.float32)
    root = np.sqrt(magnitudes[:, low] * (1 - part) + magnitudes[:, low + 1] * part)
    return ratio(root @ _kernels(), np.linalg.norm(root, axis=1, keepdims=True))


def swipe(windows: list[np.ndarray], sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Pitch in Hz and its strength, at most 1, of each frame that is not silent [shape=(n,)].

    Parameters
    ----------
    windows : list of np.ndarray [shape=(n, size // 2 + 1)]
        Magnitudes by windows of ``SIZES``. A pitch is judged by those nearest to eight periods.
    """
    ideal = np.clip(np.log2(8 * sample_rate / PITCHES), np.log2(SIZES[0]), np.log2(SIZES[-1]))
    count = min(map(len, windows))
    strength = np.zeros((count, len(PITCHES)))
    for size, magnitudes in zip(SIZES, windows, strict=True):
        near = np.maximum(1 - np.abs(ideal - np.log2(size)), 0)
        strength += near * _similarity(magnitudes[:count], sample_rate)
    strength = strength[windows[-1][:count].max(axis=1) > 0]
    places = np.clip(strength.argmax(axis=1), 1, len(PITCHES) - 2)
    places = parabolic_peaks(strength, places[:, None])[:, 0]
    return PITCHES[0] * 2 ** (places / 24), strength.max(axis=1)


def audibility(masked_threshold: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """1 - exp(-excess / 15 dB) of partials [shape of levels].

    The excess is the level of a partial above its masked threshold in dB, at least 0.
    """
    return 1 - np.exp(-np.maximum(levels - masked_threshold, 0) / 15)


def masked(barks: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Level of the other partials' excitation at each, 12 dB per Bark away, in dB [shape=(n, k)]."""
    away = 12 * np.abs(barks[:, :, None] - barks[:, None, :])
    spread = 10 ** ((levels[:, None, :] - away) / 20)
    spread[:, np.arange(barks.shape[1]), np.arange(barks.shape[1])] = 0
    return 20 * np.log10(np.maximum(spread.sum(axis=2), 1))


def virtual(frequencies: np.ndarray, audible: np.ndarray) -> np.ndarray:
    """Salience of the 12 x 8 semitones as a pure or a fundamental tone [shape=(n, 96)].

    Each audible partial speaks for itself and for the tones whose harmonic 2..8 it is, weaker with
    the harmonic's number.
    """
    found = np.zeros((len(frequencies), 96))
    note = np.where(frequencies > 0, 12 * np.log2(np.maximum(frequencies, 1) / 32.703), -1)
    rows = np.repeat(np.arange(len(frequencies)), frequencies.shape[1])
    for harmonic in range(1, 9):
        place = np.round(note - 12 * np.log2(harmonic)).astype(int).ravel()
        inside = (place >= 0) & (place < 96)
        weight = (audible / harmonic).ravel()
        np.add.at(found, (rows[inside], place[inside]), weight[inside])
    return found
