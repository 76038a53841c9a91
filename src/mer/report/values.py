"""Sections of the report that show values of valence and arousal."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mer.metrics import HEADLINE, fold_scores
from mer.predictions import ValuePredictions
from mer.report.axis import Axis, strip
from mer.types import Track

SCORES = {
    "ccc": "Concordance correlation (CCC)",
    "rmse": "Root-mean-square error",
    "r2": "Coefficient of determination (R²)",
    "pearson": "Pearson's correlation",
}
NEEDED = tuple(
    name
    for score in SCORES
    for name in (score, f"{score}_low", f"{score}_high", f"{score}_sd", f"constant_{score}")
)
N_ERRORS = 10
TEMPLATE = "values.html"


def context(
    metrics: Mapping[str, Any], predictions: ValuePredictions, tracks: Sequence[Track]
) -> dict[str, Any]:
    """The values that ``values.html`` shows."""
    frame = predictions.frame[["repeat", "fold"]].drop_duplicates().sort_values(["repeat", "fold"])
    frame["score"] = fold_scores(predictions)["ccc"]
    clips = _clips(predictions, tracks)
    names = [("", "mean of both"), *((f"_{name}", name) for name in predictions.names)]
    return {
        "headline": "Concordance correlation",
        "headline_key": HEADLINE["values"],
        "scores": SCORES,
        "values": names if len(predictions.names) > 1 else [("", predictions.names[0])],
        "unit": Axis((-1.0, -0.5, 0.0, 0.5, 1.0)),
        "folds": strip(frame, metrics["ccc"], metrics["ccc_sd"], lowest=-1),
        "bounds": predictions.scale,
        "panels": [_panel(clips, place, name) for place, name in enumerate(predictions.names)],
        "plane": clips if len(predictions.names) > 1 else [],
        "errors": sorted(clips, key=lambda clip: -clip["distance"])[:N_ERRORS],
    }


def _clips(predictions: ValuePredictions, tracks: Sequence[Track]) -> list[dict[str, Any]]:
    """Each clip with its annotation and its prediction, the mean over the repeats.

    ``at`` and ``found`` are these in 0..1 of the scale, and ``distance`` is the distance in the scale.
    """
    artist = {track.id: track.artist for track in tracks}
    low, high = predictions.scale
    means = predictions.frame.groupby("id").mean().sort_index()
    wanted, found = (
        means[[f"{part}_{name}" for name in predictions.names]].to_numpy() for part in ("y", "p")
    )
    distances = np.sqrt(np.square(wanted - found).sum(axis=1))
    return [
        {
            "id": id_,
            "artist": artist[id_],
            "annotated": wanted[row],
            "predicted": found[row],
            "at": (wanted[row] - low) / (high - low),
            "found": (found[row] - low) / (high - low),
            "distance": distances[row],
        }
        for row, id_ in enumerate(means.index)
    ]


def _panel(clips: Sequence[Mapping[str, Any]], place: int, name: str) -> dict[str, Any]:
    """The points of a plot of the prediction against the annotation of one value."""
    points = [(clip["id"], clip["at"][place], clip["found"][place]) for clip in clips]
    return {"name": name, "points": points}
