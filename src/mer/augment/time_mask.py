"""Silence one span of the clip, with hard edges.

This is the first transform of Louro et al.'s row "Baseline + TFM" (docs/methods.md):
audiomentations' ``TimeMask`` as in its versions 0.24 to 0.40, which silences 0 to 50 % of the clip at a
random position. It is not SpecAugment.
"""

from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from mer.augment._random import ascending, replay
from mer.schema import Block

BandPart = Annotated[float, Field(ge=0, le=1)]


class Params(Block):
    """``band_part``: minimum and maximum length of the span, as a fraction of the clip."""

    band_part: Annotated[tuple[BandPart, BandPart], AfterValidator(ascending)]


def sample_parameters(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``band_part``, and ``position`` of the span: 0 at the start of the clip, 1 at its end."""
    return {"band_part": float(rng.uniform(*params.band_part)), "position": float(rng.uniform())}


def apply(x: np.ndarray, sample_rate: int, band_part: float, position: float) -> np.ndarray:
    """``x`` with the span set to 0.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    sample_rate : int
        Hz.
    band_part : float
        Length of the span as a share of the clip, in 0..1.
    position : float
        Place of the span in 0..1: 0 puts it at the start of the clip, 1 at its end.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    from audiomentations import TimeMask  # the import takes two seconds

    length = int(band_part * len(x))
    start = round(position * (len(x) - length))
    return replay(TimeMask(fade_duration=0.0), x, sample_rate, t=length, t0=start)
