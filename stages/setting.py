"""What a paper tabulates of a system: ``python stages/setting.py <paper> <key> <model> <mel>``."""

import sys
from pathlib import Path

from mer import config, evaluation
from mer.stage import stage

paper, key, model, mel = sys.argv[1:]
with stage(f"setting@{key}"):
    (params,) = config.read(f"models.{model}")
    evaluation.settings(model, params, Path(mel), Path("metrics/experiments", paper, f"{key}.json"))
