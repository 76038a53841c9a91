"""Improvement of rows of a table over another row.

``stages/gain.py <table> <miniature or ""> <another> <rows…>``
"""

import sys
from pathlib import Path

from mer.pipeline.stage import stage
from mer.reproduction import spec, transfer_gain

table, prefix, reference, *rows = sys.argv[1:]
with stage("gain"):
    every = spec.load()
    paper = every.tables[table].paper
    target = Path("metrics/gains", f"{prefix}{paper}.json")
    transfer_gain.write(every, table, reference, rows, Path("data/runs", paper), prefix, target)
