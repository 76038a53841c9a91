"""One spectrogram view of one corpus: ``python stages/mel.py <view> <dataset>``."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline import mel
from mer.pipeline.stage import stage

view, dataset = sys.argv[1:]
with stage(f"mel@{view}-{dataset}"):
    (params,) = config.read(f"views.{view}")
    mel.compute(Path("data/standard", dataset), Path("data/mel", view, dataset), params)
