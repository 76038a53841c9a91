"""Quadrants of Russell's plane, their valence and arousal, and the classes to predict."""

from collections.abc import Iterable, Sequence

import numpy as np

from mer.errors import MerError
from mer.types import QUADRANTS, Track

HIGH = {"valence": ("Q1", "Q4"), "arousal": ("Q1", "Q2")}
TARGETS = ("quadrant", *HIGH)
STARTS = 500  # of k-means; the best clusters of PMEmo come out of one start in fifty


def quadrant(valence: float, arousal: float, thresholds: tuple[float, float]) -> str:
    """The quadrant of a point; a value is high if it lies above its threshold.

    Parameters
    ----------
    valence, arousal : float
        In the scale of the corpus.
    thresholds : (float, float)
        Thresholds of valence and of arousal, in the same scale.

    Returns
    -------
    str
        ``Q1`` (high valence, high arousal), ``Q2`` (low, high), ``Q3`` (low, low) or ``Q4``
        (high, low).
    """
    high = {"valence": valence > thresholds[0], "arousal": arousal > thresholds[1]}
    return next(q for q in QUADRANTS if all((q in HIGH[axis]) == high[axis] for axis in HIGH))


def midpoints(valence: Sequence[float], arousal: Sequence[float]) -> tuple[float, float]:
    """Thresholds between low and high: the midpoint between the two centres of k-means clustering.

    Parameters
    ----------
    valence, arousal : sequence of float [length n]
        Annotations of the same clips, in any one scale. Their order does not matter.

    Returns
    -------
    (float, float)
        Thresholds of valence and of arousal (He & Ferguson, section 4.3).

    Raises
    ------
    MerError
        If there are not two different points.
    """
    from sklearn.cluster import KMeans  # the import takes a second, which other stages do not pay

    points = np.array(sorted(zip(valence, arousal, strict=True)), dtype=float).reshape(-1, 2)
    different = len(np.unique(points, axis=0))
    if different < 2:
        raise MerError(
            "valence and arousal must hold at least two different points to tell low from high, "
            f"not {different}; give quadrants instead"
        )
    clusters = KMeans(n_clusters=2, n_init=STARTS, tol=0, random_state=0).fit(points)
    return tuple(clusters.cluster_centers_.mean(axis=0).tolist())


def classes(target: str) -> tuple[str, ...]:
    """The classes of ``target``: the quadrants, or ``low`` and ``high``.

    Raises
    ------
    MerError
        If ``target`` is unknown; the message lists the targets.
    """
    if target not in TARGETS:
        raise MerError(f"the target must be one of {', '.join(TARGETS)}, not {target!r}")
    return QUADRANTS if target == "quadrant" else ("low", "high")


def encode(tracks: Iterable[Track], target: str) -> dict[str, int]:
    """Track id -> index into ``classes(target)``; valence and arousal follow from the quadrant.

    Valence is high in Q1 and Q4, arousal in Q1 and Q2 (He & Ferguson, section 4.3).
    """
    known = classes(target)
    if target == "quadrant":
        return {track.id: known.index(track.quadrant) for track in tracks}
    return {track.id: int(track.quadrant in HIGH[target]) for track in tracks}
