"""Make the clip louder or softer.

This is one of Louro et al.'s classic transforms (docs/methods.md, "Louro's augmentations"). The paper gives
no range. The authors' code adds exactly 10 or -10 dB to the mel spectrogram; here the gain is uniform
between them. A gain of the waveform after the view's peak normalization adds the same constant to every
band and frame.
"""

import numpy as np
from pydantic import PositiveFloat

from mer.schema import Block


class Params(Block):
    """``max_gain_db``: the gain is uniform in ±max_gain_db."""

    max_gain_db: PositiveFloat


def sample_parameters(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``gain_db``; positive is louder."""
    return {"gain_db": float(rng.uniform(-params.max_gain_db, params.max_gain_db))}


def apply(x: np.ndarray, sample_rate: int, gain_db: float) -> np.ndarray:
    """``x`` times 10 ** (gain_db / 20), without clipping at full scale.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    sample_rate : int
        Hz. Every transform takes it; this one does not need it.
    gain_db : float
        Gain in dB; positive is louder.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    return x * np.float32(10 ** (gain_db / 20))
