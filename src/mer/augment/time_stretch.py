"""Play the clip faster or slower; the pitch stays.

This is one of Louro et al.'s classic transforms (docs/methods.md, "Louro's augmentations"): 1.5 or 0.5
times the tempo. The result is cropped, or padded with silence, to the length of the clip. librosa's phase
vocoder computes it in float64: in float32 its phases depend on the processor.

The phase vocoder makes sounds like noise softer and smears attacks: a rate of 1.5 makes white noise
3.5 dB softer.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from mer.schema import Block

Rate = Annotated[float, Field(ge=0.25, le=4)]


class Params(Block):
    """``rates``: multiples of the tempo, sampled with equal probability; above 1 is faster."""

    rates: Annotated[tuple[Rate, ...], Field(min_length=1)]


def sample_parameters(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``rate``, one of ``params.rates``."""
    return {"rate": float(rng.choice(params.rates))}


def apply(x: np.ndarray, sample_rate: int, rate: float) -> np.ndarray:
    """``x`` at ``rate`` times its tempo, cropped at the end or padded with silence.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    sample_rate : int
        Hz. Every transform takes it; this one does not need it.
    rate : float
        Multiple of the tempo; above 1 is faster.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    from librosa.effects import time_stretch  # the import takes a second
    from librosa.util import fix_length

    stretched = time_stretch(x.astype(np.float64), rate=rate)
    return fix_length(stretched, size=len(x)).astype(np.float32)
