"""Two families of one corpus side by side: ``stages/join_features.py <name> <left> <right> <dataset>``."""

import sys
from pathlib import Path

from mer.pipeline import join_features
from mer.pipeline.stage import stage

name, left, right, dataset = sys.argv[1:]
with stage(f"join_features@{name}-{dataset}"):
    features = Path("data/features")
    join_features.join(
        features / left / dataset, features / right / dataset, features / name / dataset
    )
