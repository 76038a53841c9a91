"""Parameters and layer shapes of a system: ``python stages/setting.py <paper> <key> <model> <mel>``."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline import tabulated_facts
from mer.pipeline.stage import stage

paper, key, model, mel = sys.argv[1:]
with stage(f"setting@{key}"):
    (params,) = config.read(f"models.{model}")
    metrics = Path("metrics/experiments", paper, f"{key}.json")
    tabulated_facts.write_settings(model, params, Path(mel), metrics)
