"""Move the clip in time; the vacated part is silent.

The classic augmentation of Louro et al. (their section on data augmentation): up to 5 s, to the left
or to the right. Their code also draws "both", which comes to the same two directions with unequal
chance; here the chance is equal.
"""

import numpy as np
from pydantic import PositiveFloat

from mer.schema import Block


class Params(Block):
    """``max_seconds``: the shift is uniform in ±max_seconds."""

    max_seconds: PositiveFloat


def draw(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``seconds``: positive is later."""
    return {"seconds": float(rng.uniform(-params.max_seconds, params.max_seconds))}


def apply(x: np.ndarray, rate: int, seconds: float) -> np.ndarray:
    """``x`` begun ``seconds`` later or, where negative, earlier.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    rate : int
        Hz.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    samples = min(round(abs(seconds) * rate), len(x))
    silence = np.zeros(samples, x.dtype)
    if seconds > 0:
        return np.concatenate([silence, x[: len(x) - samples]])
    return np.concatenate([x[samples:], silence])
