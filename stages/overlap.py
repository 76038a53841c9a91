"""Overlap of the features selected on different corpora.

``python stages/overlap.py <paper> <miniature or nothing>``
"""

import sys
from pathlib import Path

from mer.pipeline.stage import stage
from mer.reproduction import feature_overlap

SYSTEMS = ("mlp_essentia", "mlp_compare", "mlp_combined")
CORPORA = ("4qaed", "ch818", "tr_music")

paper, prefix = (*sys.argv[1:], "")[:2]
with stage("overlap"):
    target = Path("metrics/overlap", f"{prefix}{paper}.json")
    feature_overlap.write(Path("data/runs", paper), prefix, SYSTEMS, CORPORA, target)
