"""Amplitude envelopes: events, attacks and releases, the analytic signal, decay."""

from itertools import pairwise

import numpy as np
from scipy.fft import fft, ifft, next_fast_len
from scipy.signal import find_peaks

from mer.features.panda1714.signal.spectra import decibels, frames, ratio

DECIMATION = 8  # of the analytic signal
PROMINENCE = 0.2  # of an event, in parts of the envelope's range


def events(envelope: np.ndarray) -> np.ndarray:
    """Peaks that stand out by a fifth of the envelope's range, in frames."""
    least = PROMINENCE * np.ptp(np.pad(envelope, 1))
    return find_peaks(np.pad(envelope, 1), prominence=max(least, 1e-12))[0] - 1


def attacks(envelope: np.ndarray, frame_rate: float) -> dict[str, np.ndarray]:
    """The rise to, and the fall after, each event.

    A phase reaches from the lowest point between two events to the event, and from there to the next
    lowest.

    Returns
    -------
    dict of str to np.ndarray [shape=(events,)]
        ``time`` in s; ``leap`` in parts of the envelope's maximum; ``slope`` and ``release``, the
        leap and the fall per s.
    """
    level = ratio(envelope, envelope.max())
    tops = events(level)
    edges = np.r_[0, tops, len(level)]
    valleys = np.array([_lowest(level, low, high) for low, high in pairwise(edges)])
    starts, ends = np.minimum(valleys[:-1], tops - 1), np.maximum(valleys[1:], tops + 1)
    height = np.pad(level, 1)  # an event at an edge rises from, or falls to, nothing
    leap, fall = (height[tops + 1] - height[place + 1] for place in (starts, ends))
    time = (tops - starts) / frame_rate
    return {
        "time": time,
        "leap": leap,
        "slope": leap / time,
        "release": fall * frame_rate / (ends - tops),
    }


def _lowest(level: np.ndarray, low: int, high: int) -> int:
    """The last lowest place in ``low .. high - 1``, or ``high - 1`` if there is none."""
    return high - 1 - int(level[low:high][::-1].argmin()) if high > low else high - 1


def hilbert(samples: np.ndarray, sample_rate: int) -> dict[str, np.ndarray]:
    """The analytic signal: level in dB, phase in radians, frequency in Hz, every eighth sample."""
    size = next_fast_len(len(samples))
    spectrum = fft(samples.astype(np.float32), size)
    spectrum[1 : (size + 1) // 2] *= 2
    spectrum[size // 2 + 1 :] = 0
    analytic = ifft(spectrum)[: len(samples)]
    turn = np.angle(analytic[1:] * np.conj(analytic[:-1]))[::DECIMATION]
    chosen = analytic[::DECIMATION]
    return {
        "level": decibels(np.abs(chosen) ** 2, 1e-12),
        "phase": np.angle(chosen),
        "frequency": turn * sample_rate / (2 * np.pi),
    }


def decay(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Reverberation time in seconds by Schroeder's backward integration [shape=(n,)].

    It is six times the time in which the energy that is left in a window of one second falls by 10 dB. The
    windows overlap by half; windows without energy are left out. This is a proxy: the decay of what is
    played, not of a room's response.
    """
    energy = samples[: len(samples) // 220 * 220].reshape(-1, 220) ** 2
    step = energy.sum(axis=1, dtype=float)
    windows = frames(step, sample_rate // 220, sample_rate // 440)
    left = windows[:, ::-1].cumsum(axis=1)[:, ::-1]
    below = left <= 0.1 * left[:, :1]
    reached = np.where(below.any(axis=1), below.argmax(axis=1), windows.shape[1])
    return (6 * reached * 220 / sample_rate)[left[:, 0] > 0]
