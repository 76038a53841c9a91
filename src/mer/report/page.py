"""One self-contained HTML page about the selected run, from its metrics and predictions.

Every section is a block of ``report.html``, some of which ``values.html`` replaces. ``classes``, ``values``
and ``curves`` prepare what these show, and this module the rest. The page holds neither times
nor versions: the same run gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from mer import config
from mer.errors import MerError
from mer.io.templates import template
from mer.predictions import AnyPredictions, ValuePredictions
from mer.report import classes, curves, values
from mer.selection import SELECTORS
from mer.types import Track, groups

COUNTS = ("n_clips", "n_folds", "n_quarantined", "shares_artists")
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
N_UNLABELLED = 10


def render(
    metrics: Mapping[str, Any],
    predictions: AnyPredictions,
    tracks: Sequence[Track],
    quarantine: pd.DataFrame,
    unlabelled: Sequence[str],
    corpus: Mapping[str, str],
    *,
    learning: pd.DataFrame | None = None,
    published: Sequence[Any] = (),
) -> str:
    """The report as HTML, without scripts and with nothing loaded from outside.

    Parameters
    ----------
    metrics : mapping
        ``metrics/run.json``: the selectors and the scores.
    predictions : Predictions or ValuePredictions
        Of the same run.
    tracks : sequence of Track
        The index of its corpus.
    quarantine : pd.DataFrame
        ``id, path, reason`` of the clips left out.
    unlabelled : sequence of str
        Audio files of the corpus without a label; the first ten are named.
    corpus : mapping of str to str
        ``citation, license, source``.
    learning : pd.DataFrame or None
        ``phase, epoch, loss, accuracy`` of every training; without rows, or None, for an estimator.
    published : sequence of mer.reproduction.published.Figure
        Published figures of the same system.

    Raises
    ------
    MerError
        If a metric is missing, or a predicted clip is not in the index.
    """
    _check(metrics, predictions, tracks)
    frame = predictions.frame.sort_values(["id", "repeat"], ignore_index=True)
    predictions = replace(predictions, frame=frame)
    if isinstance(predictions, ValuePredictions):
        name, shown = values.TEMPLATE, values.context(metrics, predictions, tracks)
    else:
        name, shown = classes.TEMPLATE, classes.context(metrics, predictions, tracks)
    return template(Path(__file__).with_name(name)).render(
        metrics=metrics,
        selection={key: metrics[key] for key in SELECTORS} | _columns(metrics),
        settings=_settings(metrics),
        inputs=[metrics[key] for key in ("family", "view") if metrics[key] != "none"],
        demo=_demo(metrics),
        quarantine=quarantine.sort_values("id").to_dict("records"),
        n_unlabelled=len(unlabelled),
        unlabelled=unlabelled[:N_UNLABELLED],
        protocol=PROTOCOLS[metrics["protocol"]],
        artists=_artists(predictions, tracks, set(quarantine["id"])),
        corpus=corpus,
        published=published,
        curves=[] if learning is None else curves.panels(learning),
        **shown,
    )


def _check(
    metrics: Mapping[str, Any], predictions: AnyPredictions, tracks: Sequence[Track]
) -> None:
    """Raise if the inputs do not belong together."""
    shown = values if isinstance(predictions, ValuePredictions) else classes
    missing = [k for k in (*SELECTORS, *COUNTS, *shown.NEEDED) if k not in metrics]
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
    return [part for part, key in parts.items() if key.split("_")[0] in ("demo", "miniature")]


def _columns(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of feature selection, by their key in params.yaml."""
    return {f"columns.{key}": value for key, value in metrics.get("columns", {}).items()}


def _settings(metrics: Mapping[str, Any]) -> str:
    """The options of ``dvc exp run`` that select this composition again."""
    chosen = {key: metrics[key] for key in SELECTORS}
    if chosen["family"] == "none":  # of a model without a table; no family has that name
        del chosen["family"]
    return config.options(chosen | _columns(metrics))


def _artists(
    predictions: AnyPredictions, tracks: Sequence[Track], left_out: set[str]
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
