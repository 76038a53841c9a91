"""A phase vocoder: duration without pitch, for the transforms that need it."""

import numpy as np
import scipy.fft

FRAME = 2048
HOP = 512
WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


def _overlap_add(frames: np.ndarray) -> np.ndarray:
    """Sum of ``frames`` set ``HOP`` apart [shape=((m - 1) * HOP + FRAME,)]."""
    overlap = FRAME // HOP
    blocks = frames.reshape(len(frames), overlap, HOP)
    total = np.zeros((len(frames) + overlap - 1, HOP), np.float32)
    for k in range(overlap):
        total[k : k + len(frames)] += blocks[:, k]
    return total.ravel()


def _analyse(x: np.ndarray) -> np.ndarray:
    """Short-time spectra, frames centred on multiples of ``HOP`` [shape=(m, FRAME // 2 + 1)]."""
    padded = np.pad(x, FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    return scipy.fft.rfft(frames * WINDOW, axis=1)


def _synthesise(spectra: np.ndarray, length: int) -> np.ndarray:
    """The signal whose short-time spectra are nearest to ``spectra`` [shape=(length,)]."""
    frames = scipy.fft.irfft(spectra, FRAME, axis=1) * WINDOW
    weight = np.broadcast_to(WINDOW**2, frames.shape)
    inside = slice(FRAME // 2, FRAME // 2 + length)
    return _overlap_add(frames)[inside] / _overlap_add(weight)[inside]


def stretch(x: np.ndarray, speed: float) -> np.ndarray:
    """Play ``x`` at ``speed`` times its tempo and keep its pitch.

    Magnitudes are interpolated between frames. The phase of a bin advances from each output frame to
    the next as it does between the two input frames it is taken from: a product of unit phasors.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    speed : float
        Above 1 is faster and shorter.

    Returns
    -------
    np.ndarray [shape=(round(n / speed),), dtype=float32]

    References
    ----------
    Flanagan, Golden. Phase Vocoder. Bell System Technical Journal 45, 1966.
    """
    spectra = np.pad(_analyse(x), ((0, 1), (0, 0)))
    magnitude = np.abs(spectra)
    phasor = np.divide(spectra, magnitude, out=np.ones_like(spectra), where=magnitude > 0)
    at = np.arange(0, len(spectra) - 1, speed)
    before = at.astype(int)
    weight = (at - before).astype(np.float32)[:, None]
    turns = phasor[before + 1] * phasor[before].conj()
    phase = np.cumprod(np.concatenate([phasor[:1], turns[:-1]]), axis=0)
    mixed = (1 - weight) * magnitude[before] + weight * magnitude[before + 1]
    return _synthesise(mixed * phase, round(len(x) / speed))
