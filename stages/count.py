"""Count a corpus' clips for a published table: ``python stages/count.py <paper> <key> <dataset>``."""

import sys
from pathlib import Path

from mer.pipeline import tabulated_facts
from mer.pipeline.stage import stage

paper, key, dataset = sys.argv[1:]
with stage(f"count@{key}"):
    metrics = Path("metrics/experiments", paper, f"{key}.json")
    tabulated_facts.write_counts(Path("data/index", dataset), metrics)
