"""Raise or lower seven bands of frequencies.

Louro et al.'s row "SB" (methods A10): audiomentations' ``SevenBandParametricEQ``, a low shelf, five
peaks and a high shelf in series, the biquads of the W3C's Audio EQ Cookbook. Its ranges are spelt out
here, since the library's could change.
"""

import numpy as np
from pydantic import PositiveFloat

from mer.augment._random import replay, uniform_mel
from mer.schema import Block

HERTZ = (
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
    """``max_db``: each band's gain is uniform in ±max_db."""

    max_db: PositiveFloat


def draw(rng: np.random.Generator, params: Params) -> dict[str, list[float]]:
    """``hertz``, ``db`` and ``q`` of each band, from the lowest to the highest."""
    return {
        "hertz": [uniform_mel(rng, bounds) for bounds in HERTZ],
        "db": rng.uniform(-params.max_db, params.max_db, len(HERTZ)).tolist(),
        "q": [float(rng.uniform(*bounds)) for bounds in Q],
    }


def apply(
    x: np.ndarray, rate: int, hertz: list[float], db: list[float], q: list[float]
) -> np.ndarray:
    """``x`` after the seven filters; full scale may be exceeded, nothing is clipped.

    A frequency above the Nyquist frequency is clipped to just below it.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    rate : int
        Hz.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    from audiomentations import (  # two seconds that no other stage should pay
        HighShelfFilter,
        LowShelfFilter,
        PeakingFilter,
    )

    kinds = (LowShelfFilter, *[PeakingFilter] * 5, HighShelfFilter)
    for kind, centre, gain, quality in zip(kinds, hertz, db, q, strict=True):
        centre = min(centre, BELOW_NYQUIST * rate / 2)
        x = replay(kind(), x, rate, center_freq=centre, gain_db=gain, q_factor=quality)
    return x
