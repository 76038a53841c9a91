"""The six statistics of the novel features.

Conventions that the published values show: the kurtosis of two values is 1 (it is not an excess over 3),
the standard deviation divides by n - 1 (for two vibrato notes it is a multiple of a Fourier bin over the
root of 2), and what is undefined is 0.
"""

import numpy as np
from numpy.typing import ArrayLike

RELATIVE_ZERO = 1e-9  # spread, relative to the values, that is rounding


def six(values: ArrayLike) -> dict[str, float]:
    """Mean, Max, Min, Std, Kurtosis and Skewness of ``values``; 0 where undefined."""
    x = np.asarray(values, float)
    if not len(x):
        return dict.fromkeys(("Mean", "Max", "Min", "Std", "Kurtosis", "Skewness"), 0.0)
    found = {"Mean": float(x.mean()), "Max": float(x.max()), "Min": float(x.min())}
    if constant(x):
        return found | {"Std": 0.0, "Kurtosis": 0.0, "Skewness": 0.0}
    z = (x - x.mean()) / x.std()
    return found | {
        "Std": float(x.std(ddof=1)),
        "Kurtosis": float(np.mean(z**4)),
        "Skewness": float(np.mean(z**3)),
    }


def constant(x: np.ndarray) -> bool:
    """Whether the values differ by no more than rounding."""
    return bool(np.ptp(x) <= RELATIVE_ZERO * np.abs(x).max())


def statistics(name: str, values: ArrayLike, **renamed: str) -> dict[str, float]:
    """``six`` by published names, ``<name> (Mean)``; ``Max="Longest"`` renames a statistic."""
    return {f"{name} ({renamed.get(what, what)})": x for what, x in six(values).items()}


def ratio(top: float | np.number, bottom: float | np.number) -> float:
    """``top / bottom``, 0 where that is undefined."""
    return float(top / bottom) if bottom else 0.0
