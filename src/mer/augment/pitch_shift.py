"""Raise or lower the pitch; tempo and duration stay.

This is one of Louro et al.'s classic transforms (docs/methods.md, "Louro's augmentations"): a whole tone
up or down with equal probability. The authors' code effectively always shifts up, which ``semitones:
[2.0]`` repeats. librosa's phase vocoder computes it in float64: in float32 its phases depend on the
processor.

The phase vocoder makes sounds like noise softer and smears attacks: two semitones up make white noise
4.1 dB softer.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

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
    semitones : float
        Positive is up.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
    """
    from librosa.effects import pitch_shift  # the import takes a second

    shifted = pitch_shift(x.astype(np.float64), sr=sample_rate, n_steps=semitones)
    return shifted.astype(np.float32)
