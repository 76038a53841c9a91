"""Mend what a kill of DVC itself has left, before the next `dvc repro`: ``python stages/mend.py``."""

from pathlib import Path

from mer.mending import mend

mend(Path())
