"""Raise or lower seven bands of frequencies.

This is the transform of Louro et al.'s row "Baseline + SB" (docs/methods.md):
audiomentations' ``SevenBandParametricEQ``, a low shelf, five peaks and a high shelf in series, each a
biquad of the W3C's Audio EQ Cookbook. The ranges stand here because those of the library may change.
"""

import numpy as np
from pydantic import PositiveFloat

from mer.augment._random import replay, uniform_mel
from mer.schema import Block

CENTER_FREQ = (  # Hz
    (42.0, 95.0),
    (91.0, 204.0),
    (196.0, 441.0),
    (421.0, 948.0),
    (909.0, 2045.0),
    (1957.0, 4404.0),
    (4216.0, 9486.0),
)
SHELF_Q, PEAK_Q = (0.1, 0.999), (0.5, 5.0)
Q = (SHELF_Q, *[PEAK_Q] * 5, SHELF_Q)
BELOW_NYQUIST = 0.9999


class Params(Block):
    """``max_gain_db``: the gain of each band is uniform in ±max_gain_db."""

    max_gain_db: PositiveFloat


def sample_parameters(rng: np.random.Generator, params: Params) -> dict[str, list[float]]:
    """``center_freq``, ``gain_db`` and ``q_factor`` of each band, from the lowest to the highest."""
    return {
        "center_freq": [uniform_mel(rng, bounds) for bounds in CENTER_FREQ],
        "gain_db": rng.uniform(-params.max_gain_db, params.max_gain_db, len(CENTER_FREQ)).tolist(),
        "q_factor": [float(rng.uniform(*bounds)) for bounds in Q],
    }


def apply(
    x: np.ndarray,
    sample_rate: int,
    center_freq: list[float],
    gain_db: list[float],
    q_factor: list[float],
) -> np.ndarray:
    """``x`` after the seven filters, without clipping at full scale.

    A centre frequency above the Nyquist frequency is moved just below it.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    sample_rate : int
        Hz.
    center_freq : list of float [length 7]
        Centre frequency of each filter in Hz, from the lowest to the highest.
    gain_db : list of float [length 7]
        Gain of each filter in dB; positive is louder.
    q_factor : list of float [length 7]
        Quality factor of each filter, without a unit; a higher one makes the band of a peak narrower.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    from audiomentations import (  # the import takes two seconds
        HighShelfFilter,
        LowShelfFilter,
        PeakingFilter,
    )

    kinds = (LowShelfFilter, *[PeakingFilter] * 5, HighShelfFilter)
    for kind, freq, gain, q in zip(kinds, center_freq, gain_db, q_factor, strict=True):
        freq = min(freq, BELOW_NYQUIST * sample_rate / 2)
        x = replay(kind(), x, sample_rate, center_freq=freq, gain_db=gain, q_factor=q)
    return x
