"""Train the selected system on every fold: ``python stages/train.py``."""

from pathlib import Path

from mer import config, training
from mer.selection import SELECTORS, Selection
from mer.stage import stage

with stage("train") as record:
    chosen = Selection(*config.read(*SELECTORS))
    params, policy, profile, columns = config.read(
        f"models.{chosen.model}",
        f"policies.{chosen.augment}",
        f"profiles.{chosen.profile}",
        "columns",
    )
    target = Path("data/runs/selected")
    record["timing"] = training.run(chosen, params, policy, profile, target, columns, weights=True)
