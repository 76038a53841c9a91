"""Two families of one corpus side by side: ``python stages/join.py <name> <left> <right> <dataset>``."""

import sys
from pathlib import Path

from mer import joining
from mer.stage import stage

name, left, right, dataset = sys.argv[1:]
with stage(f"join@{name}-{dataset}"):
    features = Path("data/features")
    joining.join(features / left / dataset, features / right / dataset, features / name / dataset)
