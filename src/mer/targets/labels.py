"""Quadrants of Russell's plane, and the targets: what a system predicts of a clip.

A target is a set of classes (``quadrant``; ``low`` and ``high`` of ``valence`` or ``arousal``; ``label``,
the classes of the column ``label`` of labels.csv), or one or two values (``valence_value``,
``arousal_value``, ``valence_arousal``).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mer.errors import MerError
from mer.targets.classes import Classes
from mer.targets.target import Kind, Label, Target
from mer.targets.values import Values
from mer.types import QUADRANTS, Track

HIGH = {"valence": ("Q1", "Q4"), "arousal": ("Q1", "Q2")}
VALUES = {
    "valence_value": ("valence",),
    "arousal_value": ("arousal",),
    "valence_arousal": ("valence", "arousal"),
}
TARGETS = ("quadrant", *HIGH, "label", *VALUES)
SCORES_OF_ALL_CLASSES = ("macro", "micro", "weighted")  # ``f1_<name>`` is no score of one class
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
    """Thresholds between low and high: the midpoint of the two centres of a k-means clustering.

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


def kind_of(target: str) -> Kind:
    """``classes`` or ``values``: what a target of that name consists of."""
    return "values" if target in VALUES else "classes"


def _class_of(track: Track, target: str) -> str | None:
    """The class of a track under a target of classes; None if its corpus has none."""
    if target == "label":
        return track.label
    if target == "quadrant" or not track.quadrant:
        return track.quadrant or None
    return "high" if track.quadrant in HIGH[target] else "low"


def _classes(target: str, tracks: Iterable[Track]) -> Classes:
    """A target of classes; those of ``label`` are sorted by name.

    Raises
    ------
    MerError
        If the name of a class is or begins with that of a score over all classes, or differs from another
        only in case.
    """
    if target != "label":
        return Classes(QUADRANTS if target == "quadrant" else ("low", "high"))
    names = sorted({track.label for track in tracks if track.label})
    lowered = Counter(name.lower() for name in names)
    for name in names:
        if lowered[name.lower()] > 1 or name.lower().split("_")[0] in SCORES_OF_ALL_CLASSES:
            raise MerError(
                f"target='label': the class {name!r} must not be {', '.join(SCORES_OF_ALL_CLASSES)}, "
                "begin with one of these and '_', or equal another class but for upper and lower case; "
                "rename it in the labels"
            )
    return Classes(tuple(names))


def target_of(target: str, tracks: Iterable[Track], scale: Sequence[float] | None) -> Target:
    """The target of that name in a corpus.

    Parameters
    ----------
    tracks : iterable of Track
        The labelled clips of the corpus.
    scale : (float, float) or None
        ``corpora.<key>.range``: the lowest and the highest value of valence and arousal.

    Raises
    ------
    MerError
        If ``target`` is unknown, or the corpus has no range for values.
    """
    if target not in TARGETS:
        raise MerError(f"the target must be one of {', '.join(TARGETS)}, not {target!r}")
    if target not in VALUES:
        return _classes(target, tracks)
    if not scale:
        raise MerError(
            f"target={target!r} needs a corpus with values of valence and arousal, and the range that they "
            "lie in; set `range` of the corpus in params/corpora.yaml, or choose another target"
        )
    return Values(VALUES[target], (float(scale[0]), float(scale[1])))


def check_range(root: Path, tracks: Iterable[Track], scale: Sequence[float] | None) -> None:
    """Refuse values of valence or arousal outside of the range that a corpus states.

    Parameters
    ----------
    root : Path
        ``data/raw/<dataset>``.
    scale : (float, float) or None
        ``corpora.<dataset>.range``; None accepts any.

    Raises
    ------
    MerError
        Naming the clip and its value.
    """
    if not scale:
        return
    low, high = scale
    for track in tracks:
        for axis in HIGH:
            value = getattr(track, axis)
            if value is not None and not low <= value <= high:
                raise MerError(
                    f"{root}: {axis} of the clip {track.id!r} must lie in the corpus' range, "
                    f"{low:g} to {high:g}, and is {value:g}; correct the label, or "
                    f"corpora.{root.name}.range in params/corpora.yaml"
                )


def encode(tracks: Iterable[Track], target: str) -> dict[str, Label]:
    """Track id -> index into the classes of the target, or its values in the corpus' scale.

    Valence is high in Q1 and Q4, arousal in Q1 and Q2 (He & Ferguson, section 4.3).

    Raises
    ------
    MerError
        If a track has no label for this target.
    """
    tracks = list(tracks)
    if target in VALUES:
        found: dict[str, Any] = {t.id: tuple(getattr(t, v) for v in VALUES[target]) for t in tracks}
        missing = [id_ for id_, values in found.items() if None in values]
    else:
        names = {track.id: _class_of(track, target) for track in tracks}
        missing = [id_ for id_, name in names.items() if name is None]
        place = {name: number for number, name in enumerate(_classes(target, tracks).names)}
        found = {id_: place.get(name or "") for id_, name in names.items()}
    if missing:
        raise MerError(
            f"target={target!r} needs a label of that kind for every clip, and {len(missing)} clips have "
            f"none, the first is {missing[0]!r}; add it to the labels, or choose another target"
        )
    return found
