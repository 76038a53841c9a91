"""Ranges of the transforms' parameters, and audiomentations' transforms with given parameters.

audiomentations samples from Python's and NumPy's global generators. A transform of this package samples
from the generator that it is given, so that a clip's parameters depend on its id alone.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mer.audio import hz_to_mel, mel_to_hz

if TYPE_CHECKING:
    from audiomentations.core.transforms_interface import BaseWaveformTransform

Bound = TypeVar("Bound", int, float)


def ascending(bounds: tuple[Bound, Bound]) -> tuple[Bound, Bound]:
    """``bounds``, for pydantic's ``AfterValidator``.

    Raises
    ------
    ValueError
        If the first is greater than the second.
    """
    if bounds[0] > bounds[1]:
        raise ValueError("must be a minimum and a maximum, in this order")
    return bounds


def uniform_mel(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A frequency in Hz, sampled uniformly on HTK's mel scale between two frequencies in Hz."""
    low, high = hz_to_mel(np.array(bounds))
    return float(mel_to_hz(rng.uniform(low, high)))


def replay(
    transform: "BaseWaveformTransform", x: np.ndarray, sample_rate: int, **parameters: Any
) -> np.ndarray:
    """``transform`` applied to ``x`` with given parameters in place of random ones.

    Parameters
    ----------
    transform : BaseWaveformTransform
        A transform of audiomentations; its own ranges are not used.
    x : np.ndarray [shape=(n,), dtype=float32]
    sample_rate : int
        Hz.
    parameters
        All parameters that its ``randomize_parameters`` would set, by the library's names.
    """
    transform.parameters = {"should_apply": True, **parameters}
    transform.freeze_parameters()
    return transform(x, sample_rate)
