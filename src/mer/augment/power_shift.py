"""Make the clip louder or softer.

The classic augmentation of Louro et al., whose paper gives no figure; their code adds 10 dB to the mel
spectrogram in dB, or takes 10 away, and here any gain in between may be drawn (methods A5). The same gain
on the waveform, after the view's peak normalization, adds the same constant to every band and frame.
"""

import numpy as np
from pydantic import PositiveFloat

from mer.schema import Block


class Params(Block):
    """``max_db``: the gain is uniform in ±max_db."""

    max_db: PositiveFloat


def draw(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``db``: gain in dB, positive is louder."""
    return {"db": float(rng.uniform(-params.max_db, params.max_db))}


def apply(x: np.ndarray, rate: int, db: float) -> np.ndarray:  # noqa: ARG001
    """``x`` times 10 ** (db / 20); full scale may be exceeded, nothing is clipped.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    rate : int
        Hz; every transform takes it, this one needs none.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    return x * np.float32(10 ** (db / 20))
