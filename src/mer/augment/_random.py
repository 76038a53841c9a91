"""Ranges that transforms draw from, and audiomentations' transforms with what was drawn here.

The library draws from Python's and NumPy's global generators; here a transform never does.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from audiomentations.core.transforms_interface import BaseWaveformTransform

Bound = TypeVar("Bound", int, float)


def ascending(bounds: tuple[Bound, Bound]) -> tuple[Bound, Bound]:
    """``bounds``, for pydantic's ``AfterValidator``.

    Raises
    ------
    ValueError
        If the first is the greater.
    """
    if bounds[0] > bounds[1]:
        raise ValueError("must be a least and a greatest value, in this order")
    return bounds


def uniform_mel(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A frequency in Hz, uniform on the mel scale 2595 log10(1 + f / 700) between two in Hz."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in bounds)
    return float(700 * (10 ** (rng.uniform(low, high) / 2595) - 1))


def replay(
    transform: "BaseWaveformTransform", x: np.ndarray, rate: int, **drawn: Any
) -> np.ndarray:
    """``transform`` of ``x`` with these parameters in place of random ones.

    Parameters
    ----------
    transform : BaseWaveformTransform
        Of audiomentations, made with what its constructor alone decides.
    x : np.ndarray [shape=(n,), dtype=float32]
    rate : int
        Hz.
    drawn
        All that its ``randomize_parameters`` would draw, under the library's names.
    """
    transform.parameters = {"should_apply": True, **drawn}
    transform.freeze_parameters()
    return transform(x, rate)
