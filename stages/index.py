"""List tracks, labels, groups and digests of data/raw/<dataset>: ``python stages/index.py <dataset>``."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline import index
from mer.pipeline.stage import stage

(dataset,) = sys.argv[1:]
with stage(f"index@{dataset}"):
    keys = [f"corpora.{dataset}.{name}" for name in ("layout", "counts", "range")]
    index.build(Path("data/raw", dataset), Path("data/index", dataset), *config.read(*keys))
