"""Columns of the voice, as the authors took them from the Voice Analysis Toolkit (VAT).

Voiced and unvoiced sections from ``srh``; the toolkit's probability of creaky voice comes from a
trained network that is not public as data. Here it is an UNCALIBRATED proxy that joins two of that
network's inputs as Kane, Drugman & Gobl describe them (Improved automatic detection of creak, Computer
Speech & Language 27, 2013): its order over the frames has a meaning, its level has none.
"""

import numpy as np

from mer.features.panda1714.notes.note_stats import statistics
from mer.features.panda1714.notes.states import true_runs
from mer.features.panda1714.signal import srh

PREFIX = "VAT-"
INTERVAL = 5.0  # s, in which segments are counted; not published
PULSES = 0.03  # s, in which the pulses of the residual are compared
PULSE = 0.006  # s, of one pulse
PROMINENCE = (0.3, 0.1)  # middle and scale of its share in the evidence of creak
H2_H1 = (0.0, 5.0)  # dB, the same of H2-H1
CREAKY = 0.5  # probability above which a frame is creaky


def novel(samples: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Statistics of the voiced, unvoiced and creaky sections; durations in seconds.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=float32]
        Their level does not matter.
    sample_rate : int
        Hz.
    """
    residual = srh.residual(samples, sample_rate)
    frames = srh.analyse(residual)
    creak = creaky(residual, frames)
    voices, silences = true_runs(frames.voiced), true_runs(~frames.voiced)
    creaks = true_runs(creak > CREAKY)
    seconds = len(creak) * srh.STEP
    found = {
        "Number of Voice Sections": len(voices),
        **statistics("Voice Sections Duration", _durations(voices)),
        **statistics("Silence Sections Duration", _durations(silences)),
        **statistics("Voice Segments Per Interval", _per_interval(voices, seconds)),
        "Creaky Voice Presence": len(creaks) > 0,
        **statistics("Creaky Voice Duration", _durations(creaks)),
        "Creaky Voice Segments Per Second": len(creaks) / seconds,
        **statistics("Creaky Voice Segments Per Interval", _per_interval(creaks, seconds)),
        **statistics("Probability of Creaky Voice", creak),
    }
    return {PREFIX + name: float(value) for name, value in found.items()}


def creaky(residual: np.ndarray, frames: srh.Frames) -> np.ndarray:
    """Proxy of the probability of creaky voice, in 0..1, 0 in silence [shape=(frames,)].

    The proxy is logistic in the prominence of the strongest pulse over the others plus H2-H1.
    """
    measures = ((_prominence(residual), PROMINENCE), (frames.h2_h1, H2_H1))
    evidence = sum((value - middle) / scale for value, (middle, scale) in measures)
    return np.where(frames.srh > 0, 1 / (1 + np.exp(-evidence)), 0)


def _prominence(residual: np.ndarray) -> np.ndarray:
    """The excess of the largest pulse of a frame over the others, in 0..1 [shape=(frames,)]."""
    pulses = np.abs(srh.frames(residual, srh.RATE, PULSES))
    largest = pulses.argmax(axis=1)[:, None]
    beside = np.abs(np.arange(pulses.shape[1]) - largest) > PULSE / 2 * srh.RATE
    peak = np.maximum(pulses.max(axis=1), np.finfo(np.float32).tiny)
    return 1 - (pulses * beside).max(axis=1) / peak


def _durations(runs: np.ndarray) -> np.ndarray:
    return (runs[:, 1] - runs[:, 0]) * srh.STEP


def _per_interval(runs: np.ndarray, seconds: float) -> np.ndarray:
    """Runs that begin in each whole interval; what is left at the end belongs to the last."""
    intervals = max(1, int(seconds // INTERVAL))
    place = np.minimum(runs[:, 0] * srh.STEP // INTERVAL, intervals - 1).astype(int)
    return np.bincount(place, minlength=intervals)
