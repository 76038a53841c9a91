"""Shift the clip in time and fill the gap with silence.

This is one of Louro et al.'s classic transforms (docs/methods.md, "Louro's augmentations"): up to 5 s,
backwards or forwards. The authors' code also has a direction "both", which gives the two directions unequal
probabilities; here they are equal.
"""

import numpy as np
from pydantic import PositiveFloat

from mer.schema import Block


class Params(Block):
    """``max_seconds``: the shift is uniform in ±max_seconds."""

    max_seconds: PositiveFloat


def sample_parameters(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``seconds``; positive is later."""
    return {"seconds": float(rng.uniform(-params.max_seconds, params.max_seconds))}


def apply(x: np.ndarray, sample_rate: int, seconds: float) -> np.ndarray:
    """``x`` shifted by ``seconds``: later where positive, earlier where negative.

    At most half of ``x`` becomes silence, so that a short clip keeps the music that its label describes.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    sample_rate : int
        Hz.
    seconds : float
        Positive is later.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    samples = min(round(abs(seconds) * sample_rate), len(x) // 2)
    silence = np.zeros(samples, x.dtype)
    if seconds > 0:
        return np.concatenate([silence, x[: len(x) - samples]])
    return np.concatenate([x[samples:], silence])
