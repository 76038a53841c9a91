"""Add the results of benchmarks/gpu.py to the ledger: ``python stages/bring.py results.tar``."""

import argparse
from pathlib import Path

from mer.pipeline.bring import bring
from mer.runtime.error_messages import one_sentence

parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
parser.add_argument("archive", type=Path, help="results.tar")
given = parser.parse_args()
with one_sentence("bring", {}):
    for key in bring(given.archive):
        print(key)
