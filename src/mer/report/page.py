"""One self-contained HTML page about the selected run, from its metrics and predictions.

Every section is a block of ``report.html``; what it shows is prepared here. The page holds neither
times nor versions: the same run gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from mer import config
from mer.errors import MerError
from mer.metrics import fold_confusions, macro_f1, per_class
from mer.selection import SELECTORS
from mer.types import Predictions, Track, groups

SCORES = {
    "f1_macro": "F1, macro",
    "f1_weighted": "F1, weighted",
    "precision_weighted": "Precision, weighted",
    "recall_weighted": "Recall, weighted",
    "accuracy": "Accuracy",
}
COUNTS = ("n_clips", "n_folds", "n_quarantined", "shares_artists")
SPREAD = ("f1_macro_sd", "ci_low", "ci_high", "constant_accuracy")
PROTOCOLS = {
    "own": "The folds of the corpus' folds.csv, or the split or the folds that its labels name.",
    "grouped": "Stratified cross-validation, ten times ten folds, that keeps all clips of an artist "
    "(or of a source song) in one fold.",
    "cv10x10": "Stratified cross-validation, ten times ten folds, split clip by clip.",
    "cv10": "Stratified cross-validation, ten folds once, split clip by clip.",
    "tvt_70_15_15": "70 % training, 15 % validation, 15 % test: the published division, or else one "
    "random stratified split. The test part is scored once.",
    "tvt_40_30_30": "40 % training, 30 % validation, 30 % test: the published division, or else one "
    "random stratified split. The test part is scored once.",
    "song_80_20": "80 % training and 20 % test: one random split over the songs, not stratified.",
}
EMOTIONS = {"Q1": "happy", "Q2": "tense", "Q3": "sad", "Q4": "calm"}
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
N_UNLABELLED = 10


def render(
    metrics: Mapping[str, Any],
    predictions: Predictions,
    tracks: Sequence[Track],
    quarantine: pd.DataFrame,
    unlabelled: Sequence[str],
    corpus: Mapping[str, str],
) -> str:
    """The report as HTML, without scripts and with nothing loaded from outside.

    Parameters
    ----------
    metrics : mapping
        ``metrics/run.json``: the selectors, and the scores in 0..1.
    predictions : Predictions
        Of the same run.
    tracks : sequence of Track
        The index of its corpus.
    quarantine : pd.DataFrame
        ``id, path, reason`` of the clips left out.
    unlabelled : sequence of str
        Audio files of the corpus without a label; the first ten are named.
    corpus : mapping of str to str
        ``citation, license, source``.

    Raises
    ------
    MerError
        If a metric is missing, or a predicted clip is not in the index.
    """
    _check(metrics, predictions, tracks)
    frame = predictions.frame.sort_values(["id", "repeat"], ignore_index=True)
    predictions = Predictions(frame, predictions.classes)
    counts = fold_confusions(predictions)
    return _template().render(
        metrics=metrics,
        selection={key: metrics[key] for key in SELECTORS} | _columns(metrics),
        settings=_settings(metrics),
        inputs=[metrics[key] for key in ("family", "view") if metrics[key] != "none"],
        demo=_demo(metrics),
        scores=SCORES,
        constant=_constant(metrics["constant_accuracy"], len(set(predictions.y_true))),
        chance=_chance(counts),
        unit=Axis((0.0, 0.25, 0.5, 0.75, 1.0)),
        classes=_classes(metrics, predictions.classes, counts),
        folds=_folds(metrics, predictions, counts),
        mistakes=_mistakes(predictions, tracks),
        quarantine=quarantine.sort_values("id").to_dict("records"),
        n_unlabelled=len(unlabelled),
        unlabelled=unlabelled[:N_UNLABELLED],
        protocol=PROTOCOLS[metrics["protocol"]],
        artists=_artists(predictions, tracks, set(quarantine["id"])),
        corpus=corpus,
    )


def _template() -> Template:
    """``report.html``, with every value escaped and an undefined name an error."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _check(metrics: Mapping[str, Any], predictions: Predictions, tracks: Sequence[Track]) -> None:
    """Raise if the inputs do not belong together."""
    missing = [k for k in (*SELECTORS, *SCORES, *COUNTS, *SPREAD) if k not in metrics]
    if missing:
        raise MerError(f"the metrics must hold {missing[0]!r} for the report; run `dvc repro`")
    unknown = sorted(set(predictions.frame["id"]) - {track.id for track in tracks})
    if unknown:
        raise MerError(
            f"the predictions must be of clips in the index of {metrics['dataset']!r}, which lacks "
            f"{unknown[0]!r}; run `dvc repro`"
        )


def _demo(metrics: Mapping[str, Any]) -> list[str]:
    """The parts of the run that are only a demonstration: corpus, profile."""
    parts = {"corpus": metrics["dataset"], "profile": metrics["profile"]}
    return [part for part, key in parts.items() if key.split("_")[0] == "demo"]


def _columns(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of feature selection, by their key in params.yaml."""
    return {f"columns.{key}": value for key, value in metrics.get("columns", {}).items()}


def _settings(metrics: Mapping[str, Any]) -> str:
    """The options of ``dvc exp run`` that select this composition again."""
    chosen = {key: metrics[key] for key in SELECTORS}
    if chosen["family"] == "none":  # of a model without a table; no family has that name
        del chosen["family"]
    return config.options(chosen | _columns(metrics) | (metrics.get("changed") or {}))


def _constant(accuracy: float, n_classes: int) -> dict[str, float]:
    """The scores of a constant classifier, which is right for the share ``accuracy`` of ``n_classes``."""
    f1 = 2 * accuracy / (1 + accuracy)
    return {
        "f1_macro": f1 / n_classes,
        "f1_weighted": f1 * accuracy,
        "precision_weighted": accuracy**2,
        "recall_weighted": accuracy,
        "accuracy": accuracy,
    }


def _chance(counts: np.ndarray) -> float:
    """Macro-F1 of guessing every class equally often."""
    prior, guess = counts.sum(axis=(0, 2)) / counts.sum(), 1 / counts.shape[-1]
    return float(np.mean(2 * prior * guess / (prior + guess)))


def _classes(
    metrics: Mapping[str, Any], names: Sequence[str], counts: np.ndarray
) -> list[dict[str, Any]]:
    """Per class: scores, its row of the confusion matrix, its field of Russell's plane.

    The scores are means over the folds where the class occurs, None if it occurs in no fold.
    """
    occurs = counts.sum(axis=1) + counts.sum(axis=2) > 0
    scores = [
        [score[there, i].mean() if there.any() else None for score in per_class(counts)]
        for i, there in enumerate(occurs.T)
    ]
    pooled = counts.sum(axis=0)
    shares = pooled / pooled.sum(axis=1, keepdims=True).clip(1)
    mistaken = np.where(np.eye(len(names), dtype=bool), -1, shares).argmax(axis=1)
    return [
        {
            "name": name,
            "label": EMOTIONS.get(name, metrics["target"]),
            "n": pooled[i].sum(),
            "scores": scores[i],
            "recall": scores[i][1] or 0.0,
            "answers": list(zip(pooled[i], shares[i])),
            "field": PLANE[metrics["target"]][name],
            "mistaken": (names[mistaken[i]], shares[i, mistaken[i]]),
        }
        for i, name in enumerate(names)
    ]


@dataclass(frozen=True)
class Axis:
    """A horizontal scale of scores; positions on it are percentages of its width."""

    ticks: tuple[float, ...]

    @classmethod
    def around(cls, values: Sequence[float]) -> "Axis":
        """The scale of round numbers, in 0..1, with some room on both sides of ``values``."""
        per_unit = 20 if max(values) - min(values) <= 0.3 else 10
        first = max(floor(min(values) * per_unit) - 1, 0)
        last = min(ceil(max(values) * per_unit) + 1, per_unit)
        return cls(tuple(i / per_unit for i in range(first, last + 1)))

    def at(self, value: float, origin: float | None = None) -> str:
        """How far ``value`` stands right of ``origin`` (the left end), as a length of SVG or CSS."""
        start = self.ticks[0] if origin is None else origin
        return f"{100 * (value - start) / (self.ticks[-1] - self.ticks[0]):.2f}%"


def _folds(
    metrics: Mapping[str, Any], predictions: Predictions, counts: np.ndarray
) -> dict[str, Any]:
    """Macro-F1 of every test fold, and mean and standard deviation, clipped to 0..1."""
    frame = predictions.frame[["repeat", "fold"]].drop_duplicates().sort_values(["repeat", "fold"])
    frame["f1"] = macro_f1(counts)
    mean, sd = metrics["f1_macro"], metrics["f1_macro_sd"]
    low, high = max(mean - sd, 0.0), min(mean + sd, 1.0)
    repeats = [rows.to_dict("records") for _, rows in frame.groupby("repeat")]
    return {
        "repeats": repeats,
        "low": low,
        "high": high,
        "axis": Axis.around([*frame["f1"], low, high]),
    }


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


def _artists(
    predictions: Predictions, tracks: Sequence[Track], left_out: set[str]
) -> dict[str, float]:
    """How many clips name an artist, and the share of the test answers about clips whose artist also
    has clips outside the test part."""
    group = groups(tracks)
    artist = {t.id: group[t.id] for t in tracks if t.artist and t.id not in left_out}
    clips = pd.Series(artist, dtype=str).value_counts()
    frame = predictions.frame.assign(artist=predictions.frame["id"].map(artist))
    inside = frame.groupby(["repeat", "fold", "artist"])["id"].transform("size")
    shared = frame["artist"].map(clips) > inside
    return {"known": len(artist), "shared": float(shared.mean())}
