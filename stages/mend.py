"""Mend what a kill of DVC itself has left, before the next `dvc repro`: ``python stages/mend.py``."""

from pathlib import Path

from mer.pipeline.dvc_locks import mend
from mer.pipeline.stage import one_sentence

with one_sentence("mend"):
    mend(Path())
