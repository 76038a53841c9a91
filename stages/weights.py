"""Check the pretrained weights of a model or family: ``python stages/weights.py models.<name>``."""

import sys
from pathlib import Path

from mer import config
from mer.io import pretrained
from mer.pipeline.stage import stage

block = sys.argv[1]
name = block.rpartition(".")[2]
with stage(f"weights@{name}"):
    (weights,) = config.read(f"{block}.weights")
    pretrained.check_weights(weights, Path("data/weights", name))
