"""One published table beside ours: ``python stages/table.py <paper>_<table>``."""

import sys
from pathlib import Path

from mer.pipeline.stage import stage
from mer.reproduction import spec, tables

name = sys.argv[1]
with stage(f"table@{name}"):
    tables.write(
        spec.load(), name, Path("metrics/tables", f"{name}.json"), Path("data/tables", name)
    )
