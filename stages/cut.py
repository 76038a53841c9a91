"""Split clips into segments: cuts.<key>, data/{index,standard}/<of> -> data/{index,standard}/<key>."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline import split_clips
from mer.pipeline.stage import stage

key = sys.argv[1]
with stage(f"cut@{key}"):
    (cut,) = config.read(f"cuts.{key}")
    split_clips.split_index(Path("data/index", cut.of), Path("data/index", key), cut)
    split_clips.split_standard(Path("data/standard", cut.of), Path("data/standard", key), cut)
