"""Essentia's algorithms, and the frames and spectra that all descriptors are computed from."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from scipy.fft import rfft

from mer.dsp.essentia import essentia

RATE = 44100  # Hz, of the analysis
NYQUIST = RATE / 2
FRAME = 2048  # samples; the tonal frames are twice as long
SILENCE = 1e-10  # mean power below which a frame is dropped
MOMENT = RATE // 20  # samples of a frame of the replay gain
REFERENCE = -31.46266746520996  # dB, of its reference noise, as Essentia's stream has it


def standard() -> Any:
    """Essentia's algorithms."""
    return essentia().standard


@cache
def algorithm(name: str, **options: Any) -> Any:
    """An algorithm without memory between its calls, configured once."""
    return getattr(standard(), name)(**options)


def normalized(samples: np.ndarray) -> np.ndarray:
    """The signal at replay gain + 6 dB, clipped at full scale.

    The gain brings the 95th percentile of loudness to that of a reference. It is computed in Essentia's
    precision, because dissonance depends on the rounding noise of the filters.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=float32]
        Mono, at ``RATE``; full scale is 1.0.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    weighted = standard().EqualLoudness()(np.clip(samples, -1, 1))
    frames = standard().FrameGenerator(
        weighted, frameSize=MOMENT, hopSize=MOMENT, startFromZero=True
    )
    powers = sorted(algorithm("InstantPower")(frame) for frame in frames)
    loudness = essentia().pow2db(powers[int(0.95 * len(powers))])
    gain = essentia().db2amp(float(np.float32(REFERENCE - loudness)) + 6)
    return np.clip(samples * np.float32(gain), -1, 1)


def frames_of(signal: np.ndarray, size: int) -> np.ndarray:
    """Half-overlapping frames centred on multiples of the hop, without silent ones [shape=(n, size)].

    The frame after a silent one is dropped with it, as in Essentia's streaming mode, unless the silent
    one is the first.
    """
    frames = np.array(list(standard().FrameGenerator(signal, frameSize=size, hopSize=size // 2)))
    silent = np.einsum("ij,ij->i", frames, frames) / size < SILENCE
    kept, number = [], 0
    while number < len(frames):
        if not silent[number]:
            kept.append(number)
        number += 2 if silent[number] and number else 1
    return frames[kept]


def spectra_of(frames: np.ndarray) -> np.ndarray:
    """Magnitudes under Essentia's 62-dB Blackman-Harris window [shape=(n, size // 2 + 1)]."""
    windowing = algorithm("Windowing", type="blackmanharris62", zeroPhase=False)
    return np.abs(rfft(frames * windowing(np.ones(frames.shape[1], np.float32))))


def each(measure: Callable[[np.ndarray], Any], rows: np.ndarray) -> np.ndarray:
    """``measure`` of each row."""
    return np.array([measure(row) for row in rows])
