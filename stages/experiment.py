"""Run one experiment of a paper: ``python stages/experiment.py <paper> <key> model=… dataset=… …``."""

import sys
from pathlib import Path

from mer import config, evaluation, training
from mer.selection import Selection
from mer.stage import stage

paper, key, *composition = sys.argv[1:]
metrics = Path("metrics/experiments", paper)
with stage(f"experiment@{key}", sidecar=metrics / f"{key}.record.json") as record:
    selectors = dict(part.split("=") for part in composition)
    seed, name = config.read("seed", "profile")
    chosen = Selection(**selectors, profile=name, seed=seed)
    params, policy, profile = config.read(
        f"models.{chosen.model}", f"policies.{chosen.augment}", f"profiles.{name}"
    )
    run = Path("data/runs", paper, key)
    record["timing"] = training.run(chosen, params, policy, profile, run, weights=False)
    evaluation.experiment(run, metrics / f"{key}.json")
