"""Train the selected system on every fold: ``python stages/train.py``."""

from pathlib import Path

from mer import config, training
from mer.selection import SELECTORS, Selection
from mer.stage import stage

with stage("train"):
    chosen = Selection(*config.read(*SELECTORS))
    params, policy, profile = config.read(
        f"models.{chosen.model}", f"policies.{chosen.augment}", f"profiles.{chosen.profile}"
    )
    training.run(chosen, params, policy, profile, Path("data/runs/selected"), weights=True)
