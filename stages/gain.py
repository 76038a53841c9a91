"""Improvement of rows of a table over their references: ``stages/gain.py <table> <miniature or "">``."""

import sys
from pathlib import Path

from mer.pipeline.stage import stage
from mer.reproduction import spec, transfer_gain

table, prefix = sys.argv[1:]
with stage("gain"):
    every = spec.load()
    paper = every.tables[table].paper
    target = Path("metrics/gains", f"{prefix}{paper}.json")
    transfer_gain.write(every, table, Path("data/runs", paper), prefix, target)
