"""Play the clip faster or slower; the pitch stays.

The classic augmentation of Louro et al.: 1.5 or 0.5 times the tempo, cut or padded with silence to the
length of the clip.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from mer.dsp.phase_vocoder import stretch
from mer.schema import Block

Speed = Annotated[float, Field(ge=0.25, le=4)]


class Params(Block):
    """``speeds``: multiples of the tempo to choose from, with equal chance; above 1 is faster."""

    speeds: Annotated[tuple[Speed, ...], Field(min_length=1)]


def draw(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``speed``: one of those of ``params``."""
    return {"speed": float(rng.choice(params.speeds))}


def apply(x: np.ndarray, rate: int, speed: float) -> np.ndarray:  # noqa: ARG001
    """``x`` at ``speed`` times its tempo, cut at the end or padded with silence.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    rate : int
        Hz; every transform takes it, this one needs none.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    stretched = stretch(x, speed)[: len(x)]
    return np.pad(stretched, (0, len(x) - len(stretched)))
