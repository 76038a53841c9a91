"""One family of features of one corpus: ``python stages/features.py <family> <dataset>``."""

import sys
from pathlib import Path

from mer import config
from mer.io.feature_tables import PUBLISHED
from mer.pipeline import features
from mer.pipeline.stage import stage

family, dataset = sys.argv[1:]
with stage(f"features@{family}-{dataset}"):
    (params,) = config.read(f"families.{family}")
    features.extract(
        Path("data/standard", dataset),
        Path("data/index", dataset, PUBLISHED),
        Path("data/features", family, dataset),
        family=family,
        params=params,
    )
