"""Run one experiment of a paper: ``python stages/experiment.py <paper> <key> model=… dataset=… …``.

``source=`` names a corpus to train on in place of the tested one, ``parent=`` an experiment whose network
is trained further, ``weights=`` the pretrained weights that it needs; ``set.training.batch_size=32`` and
the like replace values of the model's block, ``columns.select=relieff`` and the like narrow the table. An
absent input leaves the reason in place of scores.
"""

import sys

from mer import config
from mer.pipeline import experiment
from mer.pipeline.limits import limit_instructions
from mer.pipeline.stage import stage

paper, key, *words = sys.argv[1:]
scores = experiment.METRICS / paper / f"{key}.json"
with stage(f"experiment@{key}", scores) as record:
    seed, name = config.read("seed", "papers_profile")
    limit_instructions(name)
    given = dict(word.split("=", 1) for word in words)
    settings, columns = config.settings(words), config.columns(words)
    record |= experiment.run(paper, key, given, settings, columns, profile=name, seed=seed)
