"""Horizontal scales of the plots of a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Axis:
    """A horizontal scale of scores; positions on it are percentages of its width."""

    ticks: tuple[float, ...]

    @classmethod
    def around(cls, values: Sequence[float], lowest: float = 0) -> "Axis":
        """The scale of round numbers, in ``lowest``..1, with some room on both sides of ``values``."""
        per_unit = 20 if max(values) - min(values) <= 0.3 else 10
        first = max(floor(min(values) * per_unit) - 1, round(lowest * per_unit))
        last = min(ceil(max(values) * per_unit) + 1, per_unit)
        return cls(tuple(i / per_unit for i in range(first, last + 1)))

    def at(self, value: float, origin: float | None = None) -> str:
        """How far ``value`` stands right of ``origin`` (the left end), as a length of SVG or CSS."""
        start = self.ticks[0] if origin is None else origin
        return f"{100 * (value - start) / (self.ticks[-1] - self.ticks[0]):.2f}%"


def strip(frame: pd.DataFrame, mean: float, sd: float, lowest: float = 0) -> dict[str, Any]:
    """The score of every test fold, with the mean and the standard deviation, clipped to ``lowest``..1.

    Parameters
    ----------
    frame : pd.DataFrame
        ``repeat, fold, score``.
    """
    low, high = max(mean - sd, lowest), min(mean + sd, 1.0)
    repeats = [rows.to_dict("records") for _, rows in frame.groupby("repeat")]
    axis = Axis.around([*frame["score"], low, high], lowest)
    return {"repeats": repeats, "low": low, "high": high, "axis": axis}
