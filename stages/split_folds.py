"""Write the folds of a segmented corpus: ``python stages/split_folds.py <key>``."""

import sys
from pathlib import Path
from typing import get_args

from mer import config
from mer.pipeline import split_clips
from mer.pipeline.stage import stage
from mer.schema import ProtocolName

key = sys.argv[1]
with stage(f"split_folds@{key}"):
    source, parts = config.read(f"segmented_corpora.{key}.of", f"segmented_corpora.{key}.parts")
    for protocol in get_args(ProtocolName):
        folder = Path("data/folds", protocol)
        split_clips.split_folds(folder / f"{source}.json", folder / f"{key}.json", parts)
