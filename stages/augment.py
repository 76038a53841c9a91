"""Compute the augmented versions of a corpus: ``python stages/augment.py <policy> <view> <dataset>``."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline import augment
from mer.pipeline.stage import stage

name, view_name, dataset = sys.argv[1:]
with stage(f"augment@{name}-{view_name}-{dataset}"):
    seed, policy, view = config.read("seed", f"policies.{name}", f"views.{view_name}")
    augment.make(
        Path("data/standard", dataset),
        Path("data/augmented", name, view_name, dataset),
        policy,
        name,
        view,
        seed,
    )
