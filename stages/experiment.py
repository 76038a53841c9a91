"""Run one experiment of a paper: ``python stages/experiment.py <paper> <key> model=… dataset=… …``.

``source=`` names a corpus to train on in place of the tested one, ``parent=`` an experiment whose network
is trained further, ``set.training.batch=32`` and the like replace values of the model's block.
"""

import sys
from pathlib import Path

import yaml

from mer import config, evaluation, training
from mer.selection import SELECTORS, Selection
from mer.stage import stage

paper, key, *words = sys.argv[1:]
metrics, runs = Path("metrics/experiments", paper), Path("data/runs", paper)
with stage(f"experiment@{key}", sidecar=metrics / f"{key}.record.json") as record:
    given = dict(word.split("=", 1) for word in words)
    seed, name = config.read("seed", "profile")
    chosen = Selection(
        **{k: v for k, v in given.items() if k in SELECTORS}, profile=name, seed=seed
    )
    params, policy, profile = config.read(
        f"models.{chosen.model}", f"policies.{chosen.augment}", f"profiles.{name}"
    )
    settings = {k[4:]: yaml.safe_load(v) for k, v in given.items() if k.startswith("set.")}
    record["timing"] = training.run(
        chosen,
        config.changed(params, settings),
        policy,
        profile,
        runs / key,
        weights=chosen.model == "sincnet",
        source=given.get("source"),
        parent=runs / given["parent"] if "parent" in given else None,
    )
    confusion = Path("data/plots", paper, f"{key}.csv")
    evaluation.experiment(runs / key, metrics / f"{key}.json", confusion)
