"""Columns of the fractal dimension: how rough the waveform is, a part of tone colour.

The set's authors name no method; this is Higuchi's (Approach to an Irregular Time Series on the Basis
of the Fractal Theory, Physica D 31, 1988), over the clip and over windows of a second, below 1.4 kHz.
"""

import numpy as np
import soxr

from mer.features.panda1714.notes.note_stats import statistics

NAME = "FRACTAL-Fractal Dimension"
RATE = 2756.25  # Hz: an eighth of 22.05 kHz
SCALES = np.arange(1, 9)  # samples
WINDOW = 1.0  # s


def novel(samples: np.ndarray, sample_rate: int) -> dict[str, float]:
    """The dimension of the clip (``Global``) and statistics over its seconds that are not constant.

    All are 0 for a clip that is too short for the largest scale, of 3 ms.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=float32]
        Their level does not matter.
    sample_rate : int
        Hz.
    """
    signal = soxr.resample(samples.astype(float), sample_rate, RATE)
    if len(signal) <= SCALES[-1]:
        return {f"{NAME} (Global)": 0.0} | statistics(NAME, [])
    size = min(round(WINDOW * RATE), len(signal))
    windows = signal[: len(signal) // size * size].reshape(-1, size)
    dimensions = higuchi(windows)
    overall = float(higuchi(signal[None])[0])
    return {f"{NAME} (Global)": overall} | statistics(NAME, dimensions[dimensions > 0])


def higuchi(signals: np.ndarray) -> np.ndarray:
    """Fractal dimension of each signal: 1 of a line, 2 of white noise, 0 (none) of a constant.

    The dimension is the slope of the logarithm of the curve's length over the logarithm of the scale. The
    length at a scale is the mean over all starting points; Higuchi averages the lengths of each start.

    Parameters
    ----------
    signals : np.ndarray [shape=(n, samples)]
        Signals of more samples than the largest scale.

    Returns
    -------
    np.ndarray [shape=(n,)]
    """
    steps = [np.abs(signals[:, k:] - signals[:, :-k]).mean(axis=1) for k in SCALES]
    lengths = np.stack(steps, axis=1) / SCALES**2
    scales = np.log(SCALES) - np.log(SCALES).mean()
    sounding = lengths.min(axis=1, keepdims=True) > 0
    logarithms = np.log(np.where(sounding, lengths, 1))
    return (logarithms @ -scales) / (scales @ scales)
