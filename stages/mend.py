"""Mend what a kill of DVC itself has left, before the next `dvc repro`: ``python stages/mend.py``."""

from pathlib import Path

from mer.mending import mend
from mer.stage import one_sentence

with one_sentence("mend"):
    mend(Path())
