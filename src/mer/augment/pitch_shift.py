"""Raise or lower the pitch; tempo and duration stay.

The classic augmentation of Louro et al.: a whole tone up or down with equal chance. Their code
effectively always goes up: ``semitones`` with the one entry 2.0.
"""

from typing import Annotated

import numpy as np
import soxr
from pydantic import Field

from mer.dsp.phase_vocoder import stretch
from mer.schema import Block

Semitones = Annotated[float, Field(ge=-24, le=24)]


class Params(Block):
    """``semitones``: the shifts to choose from, with equal chance; positive is up."""

    semitones: Annotated[tuple[Semitones, ...], Field(min_length=1)]


def draw(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``semitones``: one of those of ``params``."""
    return {"semitones": float(rng.choice(params.semitones))}


def apply(x: np.ndarray, rate: int, semitones: float) -> np.ndarray:
    """Multiply every frequency of ``x`` by 2 ** (semitones / 12): stretch, then resample.

    What leaves the band at the Nyquist frequency is gone; what a lower pitch vacates is empty.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    rate : int
        Hz.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    factor = 2 ** (semitones / 12)
    shifted = soxr.resample(stretch(x, 1 / factor), rate * factor, rate)[: len(x)]
    return np.pad(shifted, (0, len(x) - len(shifted)))
