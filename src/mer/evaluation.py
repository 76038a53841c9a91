"""The evaluate stage: a run's scores, from its predictions."""

from pathlib import Path

import pandas as pd

from mer.artefacts import read_json, read_predictions, write_json, write_text
from mer.metrics import summary


def run(run: Path, metrics: Path, confusion: Path) -> None:
    """Write the metrics file and the table behind the confusion plot.

    Parameters
    ----------
    run : Path
        ``data/runs/<key>``.
    metrics : Path
        JSON: the composition, the counts, the scores.
    confusion : Path
        CSV with the columns ``actual, predicted``, a row per prediction.
    """
    facts = read_json(run / "run.json")
    predictions = read_predictions(run)
    write_json(metrics, {**facts, **summary(predictions, facts["seed"])})
    names = dict(enumerate(predictions.classes))
    pairs = pd.DataFrame({"actual": predictions.y_true, "predicted": predictions.y_pred})
    write_text(confusion, pairs.replace(names).to_csv(index=False, lineterminator="\n"))
