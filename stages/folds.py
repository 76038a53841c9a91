"""Split a corpus into folds, by every protocol: ``python stages/folds.py <dataset> <profile>``."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline import folds
from mer.pipeline.stage import stage

dataset, profile = sys.argv[1:]
with stage(f"folds@{dataset}"):
    own, amount, seed = config.read(f"corpora.{dataset}.protocol", f"profiles.{profile}", "seed")
    folds.make(
        Path("data/index", dataset),
        Path("data/standard", dataset),
        Path("data/folds"),
        own=own,
        profile=amount,
        profile_key=profile,
        seed=seed,
    )
