"""Score the selected run from its predictions: ``python stages/evaluate.py``."""

from pathlib import Path

from mer import evaluation
from mer.stage import stage

with stage("evaluate"):
    evaluation.run(Path("data/runs/selected"), Path("metrics/run.json"), Path("data/plots"))
