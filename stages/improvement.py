"""How far rows improve on their references: ``stages/improvement.py <table> <miniature or "">``."""

import sys
from pathlib import Path

from mer.pipeline.stage import stage
from mer.reproduction import improvement, spec

table, prefix = sys.argv[1:]
with stage("improvement"):
    every = spec.load()
    paper = every.tables[table].paper
    target = Path("metrics/improvement", f"{prefix}{paper}.json")
    improvement.write(every, table, Path("data/runs", paper), prefix, target)
