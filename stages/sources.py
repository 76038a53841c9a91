"""List the source files behind each stage: ``data/sources/<script>.txt``."""

from pathlib import Path

from mer.pipeline import sources
from mer.pipeline.stage import stage

with stage("sources"):
    sources.write(Path("data/sources"))
