"""data/index/<key>, data/raw/<key> -> data/standard/<key>: ``python stages/standardize.py <key>``."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline.stage import stage
from mer.pipeline.standardize import standardize

key = sys.argv[1]
with stage(f"standardize@{key}"):
    rate, peak_db, audio, quarantine = config.read(
        f"corpora.{key}.sample_rate", f"corpora.{key}.peak_db", "audio", "quarantine"
    )
    standardize(
        Path("data/index", key),
        Path("data/raw", key),
        Path("data/standard", key),
        sample_rate=rate,
        peak_db=peak_db,
        limits=audio,
        quarantine=quarantine,
    )
