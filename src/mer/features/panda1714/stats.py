"""Statistics of series, many series at once.

Contract. ``standard(cache)`` of each dimension (``harmony``, ``tone_colour``, ``form``, ``melody``,
``rhythm``, ``dynamics``, ``expressivity``) returns ``descriptor -> series``: a 1-D array over frames,
events, bands or bins, or a float for the statistic ``value``. A descriptor is
``<toolbox>/<published name without its statistic>``, such as ``Marsyas/MFCC1``,
``MIR Toolbox/Tempo (Metre) Frame`` or ``PsySound/Cepstrum (real) - Skewness``. It includes the toolbox
because two toolboxes have an ``MFCC1``, and uses the published name because one parent feature in the
published list covers several. ``values`` then picks a figure for each ``(descriptor, statistic)``.

Conventions, read off the published values: kurtosis is not excess (``[1, 2]`` has 1, a normal
distribution 3); what is undefined, as any statistic of nothing or the skewness of a constant, is 0.
Standard deviations divide by n - 1, as MATLAB's do; those over Marsyas' texture windows divide by n.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

import numpy as np

MEMORY = 40  # frames of Marsyas' texture window, bextract's default
NEGLIGIBLE = 1e-9  # of the largest magnitude: a deviation below it is rounding
SUMMARY = ("mean", "std", "skewness", "kurtosis", "max", "min", "median")
TEXTURE = ("MeanA/MeanM", "MeanA/StdM", "StdA/MeanM", "StdA/StdM")

Series = Mapping[str, np.ndarray | float]


def summary(series: np.ndarray) -> dict[str, np.ndarray]:
    """The statistics ``SUMMARY`` over the last axis.

    Parameters
    ----------
    series : np.ndarray [shape=(..., n)]
        Finite; ``n`` may be 0.

    Returns
    -------
    dict of str to np.ndarray [shape=(...)]
    """
    series = np.asarray(series, float)
    if not series.shape[-1]:
        return dict.fromkeys(SUMMARY, np.zeros(series.shape[:-1]))
    mean, rounding = series.mean(-1), NEGLIGIBLE * np.abs(series).max(-1)
    centred = series - mean[..., None]
    square = centred**2
    power = square.mean(-1)
    varies = np.sqrt(power) > rounding
    safe = np.where(varies, power, 1)
    count = series.shape[-1]
    return {
        "mean": np.where(np.abs(mean) > rounding, mean, 0),
        "std": np.where(varies, np.sqrt(power * count / max(count - 1, 1)), 0),
        "skewness": np.where(varies, (square * centred).mean(-1) / safe**1.5, 0),
        "kurtosis": np.where(varies, (square**2).mean(-1) / safe**2, 0),
        "max": series.max(-1),
        "min": series.min(-1),
        "median": np.median(series, axis=-1),
    }


def texture(series: np.ndarray) -> dict[str, np.ndarray]:
    """Mean and deviation over the clip (A) of the running mean and deviation of a memory (M).

    Marsyas' ``TextureStats``: the memory holds the last ``MEMORY`` frames, and zeros before there
    were so many; so the level of a descriptor enters its StdA/MeanM.

    Parameters
    ----------
    series : np.ndarray [shape=(..., n)]

    Returns
    -------
    dict of str to np.ndarray [shape=(...)]
        Keys ``TEXTURE``.
    """
    series = np.asarray(series, float)
    if not series.shape[-1]:
        return dict.fromkeys(TEXTURE, np.zeros(series.shape[:-1]))
    mean = _running(series)
    deviation = np.sqrt(np.maximum(_running(series**2) - mean**2, 0))
    return {
        "MeanA/MeanM": mean.mean(-1),
        "MeanA/StdM": deviation.mean(-1),
        "StdA/MeanM": mean.std(-1),
        "StdA/StdM": deviation.std(-1),
    }


def _running(series: np.ndarray) -> np.ndarray:
    """The mean of the last ``MEMORY`` frames, zeros before the first [shape of series]."""
    padded = np.pad(series, [(0, 0)] * (series.ndim - 1) + [(MEMORY, 0)])
    total = padded.cumsum(-1)
    return (total[..., MEMORY:] - total[..., :-MEMORY]) / MEMORY


def values(series: Series, wanted: Iterable[tuple[str, str]]) -> np.ndarray:
    """The figure of each ``(descriptor, statistic)`` [shape=(len(wanted),)].

    The statistic ``value`` is the number itself. Series of one length are handled together.
    """
    wanted = list(wanted)
    found: dict[tuple[str, str], float] = {}
    length = {key: np.size(series[key]) for key, statistic in wanted if statistic != "value"}
    for _, group in groupby(sorted(length, key=lambda key: (length[key], key)), key=length.get):
        keys = list(group)
        found |= _figures(keys, np.array([series[key] for key in keys]), wanted)
    return np.array(
        [series[key] if what == "value" else found[key, what] for key, what in wanted], float
    )


def _figures(
    keys: list[str], rows: np.ndarray, wanted: list[tuple[str, str]]
) -> dict[tuple[str, str], float]:
    """All statistics of series of one length, the texture only of those whose texture is wanted."""
    found = {
        (key, what): figure
        for what, figures in summary(rows).items()
        for key, figure in zip(keys, figures, strict=True)
    }
    textured = {key for key, what in wanted if what in TEXTURE}
    chosen = [number for number, key in enumerate(keys) if key in textured]
    for what, figures in texture(rows[chosen]).items() if chosen else ():
        found |= {(keys[number], what): figure for number, figure in zip(chosen, figures)}
    return found
