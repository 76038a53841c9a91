"""Sound level meters: IEC 61672 weighting A and Z, Soulodre's revised low-frequency B-curve (RLB).

Soulodre. Evaluation of objective loudness meters. AES 116, 2004; the curve is the second stage of ITU-R
BS.1770. Levels are in dB re full scale: no recording tells its sound pressure.
"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import lfilter

from mer.features.panda1714.signal.spectra import decibels, frames

BLOCK = 220  # samples between readings: 10 ms
FLOOR = 1e-12  # power of the lowest reading: -120 dB
TIMES = {"Fast": 0.125, "Slow": 1.0}  # seconds


def a_weighting(frequencies: np.ndarray) -> np.ndarray:
    """Gain of the A curve, 1 at 1 kHz."""
    square = np.asarray(frequencies, float) ** 2
    gain = (12194**2 * square**2) / (
        (square + 20.6**2)
        * np.sqrt((square + 107.7**2) * (square + 737.9**2))
        * (square + 12194**2)
    )
    return gain * 10 ** (2.0 / 20)


def a_weighted(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """The A-weighted signal, without phase shift [shape of samples]."""
    size = next_fast_len(len(samples) + sample_rate // 10, real=True)
    gain = a_weighting(np.fft.rfftfreq(size, 1 / sample_rate)).astype(np.float32)
    return irfft(rfft(samples, size) * gain, size)[: len(samples)]


def rlb_weighted(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """The signal after the RLB high-pass filter at 38 Hz [shape of samples]."""
    frequency, quality = 38.13547, 0.5003270
    warped = np.tan(np.pi * frequency / sample_rate)
    bottom = np.array(
        [1 + warped / quality + warped**2, 2 * (warped**2 - 1), 1 - warped / quality + warped**2]
    )
    return lfilter([1.0, -2.0, 1.0] / bottom[0], bottom / bottom[0], samples)


def exponential(samples: np.ndarray, sample_rate: int, seconds: float) -> np.ndarray:
    """Level of the exponentially weighted power every 10 ms, in dB [shape=(n,)]."""
    power = (samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK) ** 2).mean(axis=1)
    kept = np.exp(-BLOCK / sample_rate / seconds)
    return decibels(lfilter([1 - kept], [1, -kept], power.astype(float)), FLOOR)


def equivalent(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Level of the mean power of each second, every half second, in dB [shape=(n,)]."""
    return decibels((frames(samples, sample_rate, sample_rate // 2) ** 2).mean(axis=1), FLOOR)
