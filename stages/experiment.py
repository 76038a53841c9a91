"""Run one experiment of a paper: ``python stages/experiment.py <paper> <key> model=… dataset=… …``.

``source=`` names a corpus to train on in place of the tested one, ``parent=`` an experiment whose network
is trained further, ``weights=`` what a user has to bring, ``set.training.batch=32`` and the like replace
values of the model's block. An absent input leaves the reason in place of scores.
"""

import sys
from pathlib import Path

from mer import config
from mer.io.artefacts import or_absent, require
from mer.pipeline import evaluate, train
from mer.pipeline.stage import stage
from mer.selection import SELECTORS, Selection

paper, key, *words = sys.argv[1:]
metrics, runs = Path("metrics/experiments", paper), Path("data/runs", paper)
with stage(f"experiment@{key}", sidecar=metrics / f"{key}.record.json") as record:
    given = dict(word.split("=", 1) for word in words)
    seed, name = config.read("seed", "profile")
    selectors = {k: given[k] for k in SELECTORS if k in given}
    chosen = Selection(**selectors, profile=name, seed=seed)
    params, policy, profile = chosen.blocks()
    params, keep = config.changed(params, config.settings(words)), chosen.model == "sincnet"
    source, parent = given.get("source"), runs / given["parent"] if "parent" in given else None
    with or_absent(runs / key, **chosen.used):
        if "weights" in given:
            require(Path("data/weights", given["weights"]))
        record["timing"] = train.run(
            chosen, params, policy, profile, runs / key, weights=keep, source=source, parent=parent
        )
    confusion = Path("data/plots", paper, f"{key}.csv")
    evaluate.experiment(runs / key, metrics / f"{key}.json", confusion)
