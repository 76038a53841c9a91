"""Parameters and layer shapes of a system: ``python stages/setting.py <paper> <key> <model> <mel>``."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline import evaluate
from mer.pipeline.stage import stage

paper, key, model, mel = sys.argv[1:]
with stage(f"setting@{key}"):
    (params,) = config.read(f"models.{model}")
    evaluate.settings(model, params, Path(mel), Path("metrics/experiments", paper, f"{key}.json"))
