"""Score the selected run from its predictions: ``python stages/evaluate.py``."""

from pathlib import Path

from mer.pipeline import evaluate
from mer.pipeline.stage import stage

with stage("evaluate"):
    evaluate.score_run(
        Path("data/runs/selected"),
        Path("metrics/run.json"),
        Path("metrics/folds.json"),
        Path("data/plots"),
    )
