"""Frames, short-time spectra, and descriptors of the shape of a spectrum."""

import numpy as np
from scipy.fft import rfft

TINY = 1e-12
CONTRAST = 0.01  # of the magnitude of a peak to the largest of its frame, at least
PARTIALS = 20  # of a frame, at most


def frames(samples: np.ndarray, size: int, hop: int) -> np.ndarray:
    """Whole frames from the first sample on [shape=(n, size)]; a shorter signal is one padded frame."""
    if len(samples) < size:
        samples = np.pad(samples, (0, size - len(samples)))
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]


def transform(
    samples: np.ndarray, window: np.ndarray, hop: int, n_fft: int | None = None
) -> np.ndarray:
    """The short-time Fourier transform, scaled so that a sine of amplitude 1 peaks at 1.

    Returns
    -------
    np.ndarray [shape=(n, n_fft // 2 + 1), dtype=complex64]
    """
    scaled = (window * (2 / window.sum())).astype(np.float32)
    return rfft(frames(samples, len(window), hop) * scaled, n_fft)


def ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """``top / bottom``, 0 where ``bottom`` is not above zero."""
    top, bottom = np.broadcast_arrays(top, bottom)
    return np.divide(top, bottom, out=np.zeros(top.shape), where=bottom > 0)


def decibels(power: np.ndarray, floor: float = 1e-15) -> np.ndarray:
    """10 log10 of a power, not below that of ``floor``."""
    return 10 * np.log10(np.maximum(power, floor))


def moments(weights: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, ...]:
    """Centroid and the central moments 2, 3 and 4 of distributions over ``places``.

    Parameters
    ----------
    weights : np.ndarray [shape=(n, bins)]
        Not negative; 0 everywhere gives zeros.
    places : np.ndarray [shape=(bins,)]
        Positions of the bins in any unit, not negative.

    Returns
    -------
    tuple of four np.ndarray [shape=(n,)]
    """
    scale = places.max()
    powers = (places / scale)[:, None] ** np.arange(5)
    raw = weights.astype(float) @ powers
    m1, m2, m3, m4 = ratio(raw[:, 1:], raw[:, :1]).T
    second = np.maximum(m2 - m1**2, 0)
    third = m3 - 3 * m1 * m2 + 2 * m1**3
    fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    return m1 * scale, second * scale**2, third * scale**3, np.maximum(fourth, 0) * scale**4


def standardized(second: np.ndarray, moment: np.ndarray, order: int) -> np.ndarray:
    """A central moment in units of the deviation: skewness (3) or kurtosis (4)."""
    return ratio(moment, second ** (order / 2))


def rolloff(weights: np.ndarray, share: float) -> np.ndarray:
    """The first bin at which the running sum reaches ``share`` of the whole [shape=(n,)]."""
    running = weights.cumsum(axis=1, dtype=float)
    return (running >= share * running[:, -1:]).argmax(axis=1)


def flatness(weights: np.ndarray) -> np.ndarray:
    """Geometric over arithmetic mean, 0..1 [shape=(n,)]."""
    mean = weights.mean(axis=1, dtype=float)
    geometric = np.exp(np.log(np.maximum(weights, 1e-30)).mean(axis=1, dtype=float))
    return np.minimum(ratio(geometric, mean), 1)


def entropy(weights: np.ndarray) -> np.ndarray:
    """Shannon's entropy, divided by its largest possible value: 0..1 [shape=(n,)]."""
    share = ratio(weights, weights.sum(axis=1, keepdims=True, dtype=float))
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    return -np.einsum("ij,ij->i", share, logs) / np.log(weights.shape[1])


def peaks(magnitudes: np.ndarray) -> np.ndarray:
    """Local maxima above 1 % of the largest bin of the frame [shape=(n, bins), dtype=bool]."""
    inner = magnitudes[:, 1:-1]
    found = np.zeros(magnitudes.shape, bool)
    found[:, 1:-1] = (inner > magnitudes[:, :-2]) & (inner >= magnitudes[:, 2:])
    return found & (magnitudes > np.maximum(CONTRAST * magnitudes.max(1, keepdims=True), TINY))


def parabolic_peaks(curves: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Maxima of curves between their samples, by a parabola through three samples [shape=(n, k)].

    Parameters
    ----------
    curves : np.ndarray [shape=(n, m)]
    places : np.ndarray [shape=(n, k), dtype=int]
        Indices of the highest samples, in 1 .. m - 2.
    """
    left, middle, right = (
        np.take_along_axis(curves, places + shift, 1).astype(float) for shift in (-1, 0, 1)
    )
    bend = 2 * middle - left - right
    return places + np.clip(ratio((right - left) / 2, bend), -0.5, 0.5)


def partials(magnitudes: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """The 20 highest peaks of each frame in the order of frequency, refined by a parabola.

    Parameters
    ----------
    magnitudes : np.ndarray [shape=(n, bins)]
    step : float
        Hz between bins.

    Returns
    -------
    frequencies, amplitudes : np.ndarray [shape=(n, 20)]
        Hz, and the magnitudes; 0 where there are fewer peaks.
    """
    shown = np.where(peaks(magnitudes), magnitudes, 0)
    bins = np.sort(np.argpartition(shown, -PARTIALS, axis=1)[:, -PARTIALS:], axis=1)
    height = np.take_along_axis(shown, bins, 1).astype(float)
    inside = np.clip(bins, 1, magnitudes.shape[1] - 2)
    frequencies = np.where(height > 0, parabolic_peaks(magnitudes, inside) * step, 0)
    return frequencies, height
