"""The evaluate stage: a run's scores, from its predictions, and the tables behind its plots."""

from pathlib import Path

import pandas as pd

from mer.artefacts import read_json, read_predictions, write_json, write_text
from mer.metrics import averages, summary
from mer.types import Predictions

DIGITS = 4


def _confusion(predictions: Predictions) -> pd.DataFrame:
    """``actual, predicted``, a row per prediction."""
    names = dict(enumerate(predictions.classes))
    pairs = pd.DataFrame({"actual": predictions.y_true, "predicted": predictions.y_pred})
    return pairs.replace(names)


def _curve(curves: pd.DataFrame) -> pd.DataFrame:
    """``epoch, phase, loss, accuracy``: the mean over the folds, one phase behind the other."""
    means = curves.groupby(["phase", "epoch"])[["loss", "accuracy"]].mean()
    means = means.round(DIGITS).reset_index()
    return means.assign(epoch=range(1, len(means) + 1))[["epoch", "phase", "loss", "accuracy"]]


def run(run: Path, metrics: Path, plots: Path) -> None:
    """Score a run.

    Parameters
    ----------
    run : Path
        ``data/runs/<key>``.
    metrics : Path
        JSON to write: the composition, the counts, the scores.
    plots : Path
        Folder for ``confusion.csv`` and ``curves.csv``.
    """
    facts = read_json(run / "run.json")
    predictions = read_predictions(run / "predictions.parquet")
    scores = {**facts, **summary(predictions, facts["seed"])}
    if (segments := run / "segments.parquet").exists():
        found = averages(read_predictions(segments))
        scores |= {f"segment_{name}": figure for name, figure in found.items()}
    write_json(metrics, scores)
    tables = {
        "confusion": _confusion(predictions),
        "curves": _curve(pd.read_csv(run / "curves.csv")),
    }
    for name, table in tables.items():
        write_text(plots / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
