"""Silence one span of the clip, with hard edges.

The first half of Louro et al.'s row "TFM" (methods A10): audiomentations' ``TimeMask`` as it was between
its versions 0.24 and 0.40, a span of 0 to 50 % of the clip at a random place. It is not SpecAugment.
"""

from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from mer.augment._random import ascending, replay
from mer.schema import Block

Part = Annotated[float, Field(ge=0, le=1)]


class Params(Block):
    """``part``: least and greatest length of the span, as a part of the clip."""

    part: Annotated[tuple[Part, Part], AfterValidator(ascending)]


def draw(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``part`` of the clip that is silenced, and ``place``: 0 at its start, 1 at its end."""
    return {"part": float(rng.uniform(*params.part)), "place": float(rng.uniform())}


def apply(x: np.ndarray, rate: int, part: float, place: float) -> np.ndarray:
    """``x`` with the span set to 0; all else stays.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    rate : int
        Hz.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    from audiomentations import TimeMask  # two seconds that no other stage should pay

    length = int(part * len(x))
    start = round(place * (len(x) - length))
    return replay(TimeMask(fade_duration=0.0), x, rate, t=length, t0=start)
