"""Write data/index and data/standard of a segmented corpus: ``python stages/split_clips.py <key>``."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline import split_clips
from mer.pipeline.stage import stage

key = sys.argv[1]
with stage(f"split_clips@{key}"):
    (cut,) = config.read(f"segmented_corpora.{key}")
    split_clips.split_index(Path("data/index", cut.of), Path("data/index", key), cut)
    split_clips.split_standard(Path("data/standard", cut.of), Path("data/standard", key), cut)
