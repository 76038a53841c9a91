"""Voicing by the summation of residual harmonics (SRH).

Drugman & Alwan, Joint Robust Voicing Detection and Pitch Estimation Based on Residual Harmonics,
Interspeech 2011: the residual of linear prediction keeps the pulses of the glottis without the
formants, and a voiced frame is one whose spectrum has harmonics and nothing between them. Everything
runs at 16 kHz, where the thresholds of the paper hold.
"""

from typing import NamedTuple

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, rfft

from mer.features.panda1714.signal import lpc

RATE = 16000  # Hz, of the analysis
STEP = 0.01  # s between two frames
FRAME = 0.1  # s
ORDER = 12  # of the linear prediction
PREDICTED = 400  # samples of a frame of it: 25 ms
PITCHES = np.arange(50, 501)  # Hz, candidates; the paper's end at 400, but singers go on
HARMONICS = 5
# Hz, of the residual whose spectrum is looked at: twice the highest harmonic and more.
REDUCED = 6400
BINS = 2048  # points of its transform
THRESHOLDS = (0.07, 0.085)  # of the criterion in a voiced frame; the second where it varies much
VARIES = 0.05  # standard deviation of the criterion
WHITE = 1e-9  # of a frame's power, added as noise before the prediction
SILENT = 1e-10  # mean power of a frame, relative to the residual's peak


class Frames(NamedTuple):
    """Criterion, pitch and voicing of each frame [shape=(frames,)].

    Attributes
    ----------
    srh : np.ndarray
        The criterion, 0 in silence.
    pitch : np.ndarray
        Hz; valid in voiced frames only.
    voiced : np.ndarray [dtype=bool]
    h2_h1 : np.ndarray
        Level of the residual's second harmonic above its first, H2-H1, in dB; 0 in silence.
    """

    srh: np.ndarray
    pitch: np.ndarray
    voiced: np.ndarray
    h2_h1: np.ndarray


def residual(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """The error of linear prediction in Hann frames of 25 ms that overlap by half.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,)]
        Their level does not matter.
    sample_rate : int
        Hz.

    Returns
    -------
    np.ndarray [shape=(m,), dtype=float32]
        At 16 kHz, its peak at 1; of silence all 0.
    """
    signal = _peaked(soxr.resample(samples.astype(float), sample_rate, RATE))
    half = PREDICTED // 2
    padded = np.pad(signal, (half, half + -len(signal) % half))
    window = np.hanning(PREDICTED + 1)[:-1]
    frames = sliding_window_view(padded, PREDICTED)[::half] * window
    size = 1 << (PREDICTED + ORDER).bit_length()
    spectra = rfft(frames, size)
    power = spectra.real**2 + spectra.imag**2
    correlation = irfft(power)[:, : ORDER + 1]
    correlation[:, 0] = correlation[:, 0] * (1 + WHITE) + SILENT
    filters = lpc.levinson(correlation)
    errors = irfft(spectra * rfft(filters, size))[:, :PREDICTED]
    joined = (errors[:-1, half:] + errors[1:, :half]).ravel()[: len(signal)]
    return _peaked(joined).astype(np.float32)


def analyse(residual: np.ndarray) -> Frames:
    """Criterion, pitch and voicing of each frame of 100 ms, one every 10 ms.

    The range of pitches is narrowed to the interval between half and twice the median of a first pass.

    Parameters
    ----------
    residual : np.ndarray [shape=(n,)]
        Result of ``residual``.
    """
    spectra = _spectra(residual)
    criterion = _criterion(spectra)
    srh, pitch = _best(criterion, PITCHES)
    if (srh > THRESHOLDS[0]).any():
        centre = np.median(pitch[srh > THRESHOLDS[0]])
        near = (centre / 2 <= PITCHES) & (2 * centre >= PITCHES)
        srh, pitch = _best(criterion[near], PITCHES[near])
    voiced = srh > THRESHOLDS[int(srh.std() > VARIES)]
    return Frames(srh, pitch, voiced, _h2_h1(spectra, pitch))


def frames(signal: np.ndarray, sample_rate: int, seconds: float) -> np.ndarray:
    """Frames of a length, centred on multiples of ``STEP`` [shape=(frames, samples)], a view."""
    size = round(seconds * sample_rate)
    return sliding_window_view(np.pad(signal, size // 2), size)[:: round(STEP * sample_rate)]


def _spectra(residual: np.ndarray) -> np.ndarray:
    """Amplitudes up to 3.2 kHz, as if all bins of 1 Hz up to 8 kHz had a norm of 1; 0 in silence.

    Returns
    -------
    np.ndarray [shape=(bins, frames), dtype=float32]
    """
    squares = np.hanning(round(FRAME * RATE)).astype(np.float32) ** 2
    energy = frames(residual**2, RATE, FRAME) @ squares
    reduced = frames(soxr.resample(residual, RATE, REDUCED), REDUCED, FRAME)[: len(energy)]
    window = np.hanning(reduced.shape[1]).astype(np.float32)
    amplitudes = np.abs(rfft(reduced * window, BINS)) * (RATE / REDUCED)
    silent = energy <= SILENT * len(squares)
    norms = np.where(silent, np.inf, np.sqrt(energy * RATE / 2))
    return np.ascontiguousarray((amplitudes / norms[:, None]).T)


def _bins(frequencies: np.ndarray) -> np.ndarray:
    return np.rint(frequencies * BINS / REDUCED).astype(int)


def _criterion(spectra: np.ndarray) -> np.ndarray:
    """Harmonics minus the amplitudes between them, equation 1 [shape=(pitches, frames)]."""
    total = spectra[_bins(PITCHES)]
    for harmonic in range(2, HARMONICS + 1):
        total += spectra[_bins(PITCHES * harmonic)] - spectra[_bins(PITCHES * (harmonic - 0.5))]
    return total


def _best(criterion: np.ndarray, pitches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return criterion.max(axis=0), pitches[criterion.argmax(axis=0)]


def _h2_h1(spectra: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """H2-H1 in dB, at most 40 either way."""
    every = np.arange(spectra.shape[1])
    least = np.finfo(np.float32).tiny
    first, second = (np.maximum(spectra[_bins(n * pitch), every], least) for n in (1, 2))
    return np.clip(20 * np.log10(second / first), -40, 40)


def _peaked(signal: np.ndarray) -> np.ndarray:
    """The signal with its peak at 1."""
    return signal / max(np.abs(signal).max(), np.finfo(np.float32).tiny)
