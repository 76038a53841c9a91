"""Raise or lower the pitch; tempo and duration stay.

This is one of Louro et al.'s classic transforms (docs/methods.md, "Louro's augmentations"): a whole tone
up or down with equal probability. The authors' code effectively always shifts up, which ``semitones:
[2.0]`` repeats.
"""

from typing import Annotated

import numpy as np
import soxr
from pydantic import Field

from mer.dsp.phase_vocoder import time_stretch
from mer.schema import Block

Semitones = Annotated[float, Field(ge=-24, le=24)]


class Params(Block):
    """``semitones``: the shifts, sampled with equal probability; positive is up."""

    semitones: Annotated[tuple[Semitones, ...], Field(min_length=1)]


def sample_parameters(rng: np.random.Generator, params: Params) -> dict[str, float]:
    """``semitones``, one of ``params.semitones``."""
    return {"semitones": float(rng.choice(params.semitones))}


def apply(x: np.ndarray, sample_rate: int, semitones: float) -> np.ndarray:
    """Multiply every frequency of ``x`` by 2 ** (semitones / 12): stretch, then resample.

    Frequencies that are shifted above the Nyquist frequency are lost; a shift downwards leaves the
    highest frequencies empty.

    Parameters
    ----------
    x : np.ndarray [shape=(n,), dtype=float32]
    sample_rate : int
        Hz.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    factor = 2 ** (semitones / 12)
    shifted = soxr.resample(time_stretch(x, 1 / factor), sample_rate * factor, sample_rate)
    shifted = shifted[: len(x)]
    return np.pad(shifted, (0, len(x) - len(shifted)))
