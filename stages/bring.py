"""Add the results of benchmarks/gpu.py to the ledger: ``python stages/bring.py results.tar``."""

import sys
from pathlib import Path

from mer.pipeline.bring import bring
from mer.pipeline.stage import one_sentence

with one_sentence("bring"):
    for key in bring(Path(sys.argv[1])):
        print(key)
