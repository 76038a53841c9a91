"""Compare extracted with published features: ``python stages/agreement.py <dataset>``."""

import sys
from pathlib import Path

from mer.pipeline.stage import stage
from mer.reproduction import feature_agreement

(dataset,) = sys.argv[1:]
features = Path("data/features")
with stage(f"agreement@{dataset}", Path(f"metrics/agreement/{dataset}.json")):
    feature_agreement.compare(
        features / "panda1714" / dataset,
        features / "top100" / dataset,
        Path(f"metrics/agreement/{dataset}.json"),
        Path(f"data/plots/agreement/{dataset}.csv"),
    )
