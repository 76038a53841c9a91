"""Quadrants of Russell's plane, their valence and arousal, and the classes to predict."""

from collections.abc import Iterable, Sequence

import numpy as np

from mer.errors import MerError
from mer.types import QUADRANTS, Track

HIGH = {"valence": ("Q1", "Q4"), "arousal": ("Q1", "Q2")}
TARGETS = ("quadrant", *HIGH)
STARTS = 16


def quadrant(valence: float, arousal: float, thresholds: tuple[float, float]) -> str:
    """The quadrant of a point; only what lies above a threshold is high.

    Parameters
    ----------
    valence, arousal : float
        In the corpus' own scale.
    thresholds : (float, float)
        Of valence and of arousal, in the same scale.

    Returns
    -------
    str
        ``Q1`` (high valence, high arousal), ``Q2`` (low, high), ``Q3`` (low, low) or ``Q4``
        (high, low).
    """
    high = {"valence": valence > thresholds[0], "arousal": arousal > thresholds[1]}
    return next(q for q in QUADRANTS if all((q in HIGH[axis]) == high[axis] for axis in HIGH))


def _part(points: np.ndarray, axis: np.ndarray) -> tuple[float, tuple[float, ...]]:
    """Part centred points [shape=(n, 2)] in two clusters, starting across ``axis`` [shape=(2,)].

    Two clusters of least variance lie on either side of a line across the axis through their centres.
    So the best of all partings across one axis gives the next, until nothing is gained.

    Returns
    -------
    float
        Variance between the clusters, up to a factor.
    tuple of float [length 2]
        Midpoint of their centres.
    """
    below = np.arange(1, len(points))
    above = len(points) - below
    gain, before = 0.0, -1.0
    while gain > before:
        order = np.argsort(points @ axis, kind="stable")
        sums = np.cumsum(points[order], axis=0)[:-1]
        between = np.square(sums).sum(axis=1) / (below * above)
        best = between.argmax()
        gain, before, axis = between[best], gain, -sums[best]
    return gain, tuple(sums[best] * (1 / below[best] - 1 / above[best]) / 2)


def midpoints(valence: Sequence[float], arousal: Sequence[float]) -> tuple[float, float]:
    """Thresholds between low and high: the midpoint of the two k-means centres of the points.

    The best of ``STARTS`` starts in fixed directions: no draw is made, and the order of the points does
    not matter.

    Parameters
    ----------
    valence, arousal : sequence of float [length n]
        Of the same clips, in any one scale.

    Returns
    -------
    (float, float)
        Of valence and of arousal. Source: He & Ferguson, "Annotation Transformation" (4.3).

    Raises
    ------
    MerError
        If there are not two different points.
    """
    points = np.array(sorted(zip(valence, arousal, strict=True)), dtype=float).reshape(-1, 2)
    different = len(np.unique(points, axis=0))
    if different < 2:
        raise MerError(
            "valence and arousal must hold at least two different points to tell low from high, "
            f"not {different}; give quadrants instead"
        )
    centre = points.mean(axis=0)
    angles = np.pi * np.arange(STARTS) / STARTS
    axes = np.column_stack([np.cos(angles), np.sin(angles)])
    _, middle = max(_part(points - centre, axis) for axis in axes)
    return float(centre[0] + middle[0]), float(centre[1] + middle[1])


def classes(target: str) -> tuple[str, ...]:
    """What a model of ``target`` tells apart: the quadrants, or ``low`` and ``high``.

    Raises
    ------
    MerError
        If it is no target; the message lists those that exist.
    """
    if target not in TARGETS:
        raise MerError(f"the target must be one of {', '.join(TARGETS)}, not {target!r}")
    return QUADRANTS if target == "quadrant" else ("low", "high")


def encode(tracks: Iterable[Track], target: str) -> dict[str, int]:
    """Track id -> index into ``classes(target)``; valence and arousal follow from the quadrant.

    High valence is Q1 and Q4, high arousal Q1 and Q2 (He & Ferguson, 4.3).
    """
    known = classes(target)
    if target == "quadrant":
        return {track.id: known.index(track.quadrant) for track in tracks}
    return {track.id: int(track.quadrant in HIGH[target]) for track in tracks}
