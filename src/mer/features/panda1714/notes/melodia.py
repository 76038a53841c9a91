"""Predominant fundamental frequency and its salience, frame by frame.

Salamon & Gómez. Melody Extraction from Polyphonic Music Signals using Pitch Contour Characteristics.
IEEE TASLP 20(6), 2012, as Essentia has it. Frames are 128 samples of 22.05 kHz apart, as those of
the published features: their shares of frames are k/5180 for clips of 30.07 s.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import soxr
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft

from mer.dsp.essentia import essentia
from mer.errors import MerError

RATE = 22050  # Hz
FRAME = 1024  # samples, 46 ms
HOP = 128  # samples, 5.8 ms
STEP = HOP / RATE  # seconds
HARMONICS = 10
DECAY = 0.8  # weight of a harmonic relative to the one below
LONGEST_GAP = 4  # unvoiced frames (23 ms, half an analysis frame) that count as voiced
QUIET = 1e-7  # RMS below which there is no pitch: -140 dB


@dataclass(frozen=True)
class Pitch:
    """The predominant pitch of a clip.

    Attributes
    ----------
    f0 : np.ndarray [shape=(frames,)]
        Hz, 0 where unvoiced; frame i is centred on second ``i * STEP``.
    salience : np.ndarray [shape=(frames,)]
        Amplitude of the pitch's harmonics, weighted by 0.8 per step; 0 where unvoiced.
    """

    f0: np.ndarray
    salience: np.ndarray


def predominant(samples: np.ndarray, sample_rate: int) -> Pitch:
    """The predominant pitch of one channel.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=float32]
        One channel, mono.
    sample_rate : int
        22050 Hz.

    Returns
    -------
    Pitch
        ``1 + n // 128`` frames. The level of the clip changes the salience only.

    Raises
    ------
    MerError
        If the sample rate is another one.
    """
    if sample_rate != RATE:
        raise MerError(f"the melody is followed at {RATE} Hz, not {sample_rate}; resample the clip")
    frames = 1 + len(samples) // HOP
    level = float(np.sqrt(np.mean(np.square(samples, dtype=float)))) if len(samples) else 0.0
    if level < QUIET or len(samples) < FRAME:
        return Pitch(np.zeros(frames), np.zeros(frames))
    weighted = _equal_loudness(samples / np.float32(level))
    f0 = _bridged(_melodia(weighted, frames))
    return Pitch(f0, level * _salience(weighted, f0))


def _equal_loudness(samples: np.ndarray) -> np.ndarray:
    """The equal-loudness filtered signal; Essentia's filter needs 44.1 kHz, so the signal is upsampled."""
    doubled = soxr.resample(samples, RATE, 2 * RATE)
    return np.ascontiguousarray(
        essentia().standard.EqualLoudness(sampleRate=2 * RATE)(doubled)[::2]
    )


def _melodia(weighted: np.ndarray, frames: int) -> np.ndarray:
    """Essentia's F0 in Hz, 0 where unvoiced [shape=(frames,)]."""
    follow = essentia().standard.PredominantPitchMelodia(
        sampleRate=RATE,
        frameSize=FRAME,
        hopSize=HOP,
        minFrequency=55,
        maxFrequency=2000,
        voicingTolerance=1.4,
    )
    f0 = np.maximum(follow(weighted)[0].astype(float), 0)[:frames]
    return np.pad(f0, (0, frames - len(f0)))


def _bridged(f0: np.ndarray) -> np.ndarray:
    """``f0`` with gaps of up to ``LONGEST_GAP`` frames holding what was before them."""
    voiced = np.flatnonzero(f0)
    bridged = f0.copy()
    for before, after in pairwise(voiced):
        if 1 < after - before <= LONGEST_GAP + 1:
            bridged[before + 1 : after] = f0[before]
    return bridged


def _salience(weighted: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Weighted sum of the amplitudes at the harmonics of ``f0`` [shape=(frames,)]."""
    voiced = np.flatnonzero(f0)
    padded = np.pad(weighted, FRAME // 2 + HOP)[HOP:]
    window = np.hanning(FRAME + 1)[:-1].astype(np.float32)
    windows = sliding_window_view(padded, FRAME)[::HOP][voiced] * window
    spectra = np.abs(rfft(windows, 2 * FRAME)) * (2 / window.sum())
    order = np.arange(1, HARMONICS + 1)
    places = np.minimum(f0[voiced, None] * order * (2 * FRAME / RATE), FRAME - 1)
    below = places.astype(int)
    low, high = (np.take_along_axis(spectra, below + i, axis=1) for i in (0, 1))
    amplitudes = low + (places - below) * (high - low)
    salience = np.zeros(len(f0))
    salience[voiced] = amplitudes @ DECAY ** (order - 1)
    return salience
