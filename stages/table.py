"""One published table beside ours: ``python stages/table.py <paper>_<table>``."""

import sys
from pathlib import Path

from mer import papers, tables
from mer.stage import stage

name = sys.argv[1]
with stage(f"table@{name}"):
    tables.write(
        papers.load(), name, Path("metrics/tables", f"{name}.json"), Path("data/tables", name)
    )
