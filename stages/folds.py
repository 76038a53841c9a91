"""Split a corpus into folds, by every protocol: ``python stages/folds.py <dataset> [<profile>]``."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline import folds
from mer.pipeline.stage import stage

dataset, *given = sys.argv[1:]
with stage(f"folds@{dataset}"):
    own, selected, seed = config.read(f"corpora.{dataset}.protocol", "profile", "seed")
    (amount,) = config.read(f"profiles.{given[0] if given else selected}")
    folds.make(
        Path("data/index", dataset),
        Path("data/standard", dataset),
        Path("data/folds"),
        own=own,
        profile=amount,
        seed=seed,
    )
