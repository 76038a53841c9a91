"""The scores of a run, and the tables for its plots."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.io.artefacts import MANIFEST, absent
from mer.io.files import read_json, reading, write_json, write_text
from mer.io.predictions import read_predictions
from mer.metrics import (
    DIGITS,
    TEST_SHA256,
    averages,
    fold_confusions,
    fold_digests,
    fold_scores,
    headline,
    spread,
    summary,
)
from mer.predictions import AnyPredictions, ValuePredictions
from mer.types import clip_of

log = logging.getLogger("mer")

SCORES_OF_EACH_FOLD = (
    *("f1_macro", "accuracy", "f1_micro", "f1_high"),
    *("ccc", "rmse", "r2", "pearson"),
)  # which results hold for paired tests


def _confusion(predictions: AnyPredictions) -> pd.DataFrame:
    """The true and the predicted class: ``actual, predicted``, a row per prediction; none of values."""
    if isinstance(predictions, ValuePredictions):
        return pd.DataFrame(columns=["actual", "predicted"])
    names = dict(enumerate(predictions.classes))
    pairs = pd.DataFrame({"actual": predictions.y_true, "predicted": predictions.y_pred})
    return pairs.replace(names)


def _values(predictions: AnyPredictions) -> pd.DataFrame:
    """The annotated and the predicted value: ``value, actual, predicted``, a row per prediction and value;
    none of classes."""
    names = predictions.names if isinstance(predictions, ValuePredictions) else ()
    tables = [
        predictions.frame[[f"y_{name}", f"p_{name}"]].set_axis(["actual", "predicted"], axis=1)
        for name in names
    ]
    table = pd.concat(tables, keys=names, names=["value"]).reset_index(0) if names else None
    return pd.DataFrame(columns=["value", "actual", "predicted"]) if table is None else table


def _curve(run: Path) -> pd.DataFrame:
    """Learning curves ``epoch, phase, loss, accuracy``, phase after phase: the mean over the trainings that
    reach an epoch."""
    with reading(run / "curves.csv", "the learning curves of a run"):
        curves = pd.read_csv(run / "curves.csv")
    means = curves.groupby(["phase", "epoch"])[["loss", "accuracy"]].mean()
    means = means.round(DIGITS).reset_index()
    return means.assign(epoch=range(1, len(means) + 1))[["epoch", "phase", "loss", "accuracy"]]


def _drawn(run: Path, predictions: AnyPredictions) -> dict[str, Any]:
    """The figures that pages of results draw.

    ``confusion``: class -> counts of the predicted classes, over all folds; none of values. ``curves``, of
    networks: phase -> ``loss`` and ``accuracy`` of each epoch.
    """
    found: dict[str, Any] = {}
    if not isinstance(predictions, ValuePredictions):
        counts = fold_confusions(predictions).sum(0).tolist()
        found["confusion"] = dict(zip(predictions.classes, counts, strict=True))
    if len(curve := _curve(run)):
        columns = [name for name in ("loss", "accuracy") if curve[name].notna().all()]
        phases = curve.groupby("phase", sort=False)[columns]
        found["curves"] = {phase: values.to_dict("list") for phase, values in phases}
    return found


def _by_clip(parts: AnyPredictions) -> AnyPredictions | None:
    """The mean prediction over the segments of each clip; None if the ids are not ids of segments."""
    frame = parts.frame.assign(id=[clip_of(id_) for id_ in parts.frame["id"]])
    if (frame["id"] == parts.frame["id"]).any():
        return None
    means = frame.groupby(parts.keys, sort=False, as_index=False).mean()
    return replace(parts, frame=means)


def _of_clips(parts: AnyPredictions, seed: int) -> dict[str, Any]:
    """``clip_<score>`` with deviation and interval, if the corpus is a segmented corpus; else empty."""
    clips = _by_clip(parts)
    if clips is None:
        return {}
    found = {**averages(clips), **spread(clips, seed)}
    return {f"clip_{name}": figure for name, figure in found.items()}


def _scored(run: Path) -> tuple[dict[str, Any], AnyPredictions]:
    """The composition and all scores of a run, and its predictions.

    The scores include those of segments, and those of whole clips of a segmented corpus.
    """
    facts = read_json(run / "run.json")
    with reading(run / "run.json", "the record of a run, with its seed"):
        seed = int(facts["seed"])
    predictions = read_predictions(run / "predictions.parquet")
    scores = {**facts, **summary(predictions, seed)}
    if (segments := run / "segments.parquet").exists():
        found = averages(read_predictions(segments))
        scores |= {f"segment_{name}": figure for name, figure in found.items()}
    return scores | _of_clips(predictions, seed), predictions


def scores_of_folds(predictions: AnyPredictions) -> dict[str, list[float] | list[str]]:
    """The scores of each fold that paired tests need, to 4 digits; none that a fold lacks, as the F1 of a
    class that does not occur there. ``TEST_SHA256`` has the digest of the test clips of each fold."""
    by_fold = fold_scores(predictions)
    found = {name: by_fold[name] for name in SCORES_OF_EACH_FOLD if name in by_fold}
    scores = {
        name: values.round(DIGITS).tolist()
        for name, values in found.items()
        if not np.isnan(values).any()
    }
    return {**scores, TEST_SHA256: fold_digests(predictions)}


def score_run(run: Path, metrics: Path, folds: Path, plots: Path) -> None:
    """Score a run, and log the score that it is judged by.

    Parameters
    ----------
    run : Path
        ``data/runs/<key>``.
    metrics : Path
        JSON to write: the composition, the counts, the scores.
    folds : Path
        JSON to write: the scores of each fold for paired tests.
    plots : Path
        Folder for ``confusion.csv``, ``values.csv``, ``curves.csv`` and ``trials.csv``.
    """
    scores, predictions = _scored(run)
    write_json(metrics, scores)
    write_json(folds, scores_of_folds(predictions))
    tables = {
        "confusion": _confusion(predictions),
        "values": _values(predictions),
        "curves": _curve(run),
        "trials": pd.read_csv(run / "trials.csv"),
    }
    for name, table in tables.items():
        write_text(plots / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    name = headline(predictions)
    figures = (scores[key] for key in (name, "ci_low", "ci_high", "n_clips", "n_folds"))
    log.info("%s %.4f, 95 %% interval %.4f to %.4f, on %d clips in %d folds", name, *figures)


def score_experiment(run: Path, metrics: Path, confusion: Path) -> None:
    """Score an experiment behind a published table.

    Parameters
    ----------
    run : Path
        ``data/runs/<paper>/<key>``.
    metrics : Path
        JSON to write: the output of ``score_run``, deviation and interval of every score, under ``folds``
        the scores of each fold for paired tests, and ``confusion`` and ``curves`` for the pages of results.
        For an absent run: its composition, and the reason under ``absent``.
    confusion : Path
        CSV to write: actual and predicted class of every prediction; none of values.
    """
    if reason := absent(run):
        composition = read_json(run / MANIFEST)
        del composition["status"], composition["reason"]
        write_json(metrics, {"absent": reason, **composition})
        write_text(confusion, "actual,predicted\n")
        return
    scores, predictions = _scored(run)
    more = {"folds": scores_of_folds(predictions), **_drawn(run, predictions)}
    write_json(metrics, {**scores, **spread(predictions, scores["seed"]), **more})
    table = _confusion(predictions).to_csv(index=False, lineterminator="\n")
    write_text(confusion, table)
