"""Sections of the report that show classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mer.metrics import HEADLINE, fold_confusions
from mer.predictions import Predictions
from mer.report.axis import Axis, strip
from mer.targets import class_scores
from mer.targets.class_scores import macro_f1, per_class
from mer.types import EMOTIONS, Track

SCORES = {
    "f1_macro": "F1, macro",
    "f1_weighted": "F1, weighted",
    "precision_weighted": "Precision, weighted",
    "recall_weighted": "Recall, weighted",
    "accuracy": "Accuracy",
}
NEEDED = (*SCORES, "f1_macro_sd", "ci_low", "ci_high")
# Fields of Russell's plane: left, top, width, height in percent; valence grows to the right.
PLANE = {
    "quadrant": {
        "Q1": (50, 0, 50, 50),
        "Q2": (0, 0, 50, 50),
        "Q3": (0, 50, 50, 50),
        "Q4": (50, 50, 50, 50),
    },
    "valence": {"low": (0, 0, 50, 100), "high": (50, 0, 50, 100)},
    "arousal": {"low": (0, 50, 100, 50), "high": (0, 0, 100, 50)},
}
N_MISTAKES = 10
TEMPLATE = "report.html"


def context(
    metrics: Mapping[str, Any], predictions: Predictions, tracks: Sequence[Track]
) -> dict[str, Any]:
    """The values that ``report.html`` shows of classes."""
    counts = fold_confusions(predictions)
    frame = predictions.frame[["repeat", "fold"]].drop_duplicates().sort_values(["repeat", "fold"])
    frame["score"] = macro_f1(counts)
    return {
        "headline": "Macro-F1",
        "headline_key": HEADLINE["classes"],
        "scores": SCORES,
        "constant": _constant(counts, predictions.classes),
        "chance": _chance(counts),
        "unit": Axis((0.0, 0.25, 0.5, 0.75, 1.0)),
        "classes": _classes(metrics, predictions.classes, counts),
        "folds": strip(frame, metrics["f1_macro"], metrics["f1_macro_sd"]),
        "mistakes": _mistakes(predictions, tracks),
    }


def _constant(counts: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """The scores of the best constant answer, means over the folds."""
    found = class_scores.scores(class_scores.of_constant(counts), names)
    return {score: float(found[score].mean()) for score in SCORES}


def _chance(counts: np.ndarray) -> float:
    """Macro-F1 of guessing every class equally often."""
    prior, guess = counts.sum(axis=(0, 2)) / counts.sum(), 1 / counts.shape[-1]
    return float(np.mean(2 * prior * guess / (prior + guess)))


def _classes(
    metrics: Mapping[str, Any], names: Sequence[str], counts: np.ndarray
) -> list[dict[str, Any]]:
    """Per class: scores, its row of the confusion matrix, its field of Russell's plane.

    Precision and recall are of the answers of all folds, F1 is the mean over the folds where the class
    occurs; None if it occurs in no fold.
    """
    occurs = counts.sum(axis=1) + counts.sum(axis=2) > 0
    pooled, f1 = counts.sum(axis=0), per_class(counts)[2]
    precision, recall = (score[0] for score in per_class(pooled[None])[:2])
    scores = [
        [precision[i], recall[i], f1[there, i].mean()] if there.any() else [None] * 3
        for i, there in enumerate(occurs.T)
    ]
    shares = pooled / pooled.sum(axis=1, keepdims=True).clip(1)
    mistaken = np.where(np.eye(len(names), dtype=bool), -1, shares).argmax(axis=1)
    return [
        {
            "name": name,
            "label": EMOTIONS.get(name, "" if metrics["target"] == "label" else metrics["target"]),
            "n": pooled[i].sum(),
            "scores": scores[i],
            "recall": scores[i][1] or 0.0,
            "answers": list(zip(pooled[i], shares[i])),
            "field": PLANE.get(metrics["target"], {}).get(name),
            "mistaken": (names[mistaken[i]], shares[i, mistaken[i]]),
        }
        for i, name in enumerate(names)
    ]


def _mistakes(predictions: Predictions, tracks: Sequence[Track]) -> list[dict[str, Any]]:
    """The wrongly answered clips with the highest probability, averaged over the repeats."""
    artist = {track.id: track.artist for track in tracks}
    columns = ["y_true", *predictions.prediction_columns]
    clips = predictions.frame.groupby("id")[columns].mean().sort_index()
    wrong = []
    for id_, (true, *probabilities) in zip(clips.index, clips.to_numpy()):
        predicted, probability = int(np.argmax(probabilities)), round(max(probabilities), 4)
        if predicted != true:
            names = predictions.classes[int(true)], predictions.classes[predicted]
            row = (id_, artist[id_], *names, probability)
            wrong.append(dict(zip(("id", "artist", "true", "predicted", "probability"), row)))
    return sorted(wrong, key=lambda row: -row["probability"])[:N_MISTAKES]
