"""What rows of a table gain on another: ``stages/gain.py <table> <miniature or ""> <another> <rows…>``."""

import sys
from pathlib import Path

from mer import gains, papers
from mer.stage import stage

table, prefix, reference, *rows = sys.argv[1:]
with stage("gain"):
    every = papers.load()
    paper = every.tables[table].paper
    target = Path("metrics/gains", f"{prefix}{paper}.json")
    gains.write(every, table, reference, rows, Path("data/runs", paper), prefix, target)
