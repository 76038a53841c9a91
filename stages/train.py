"""Train the selected system on every fold: ``python stages/train.py``."""

from pathlib import Path

from mer import config, training
from mer.selection import selected
from mer.stage import stage

with stage("train") as record:
    chosen, (columns,) = selected(), config.read("columns")
    target = Path("data/runs/selected")
    record["timing"] = training.run(chosen, *chosen.blocks(), target, columns, weights=True)
