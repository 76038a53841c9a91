"""Copy the songs of three corpora into data/raw/<key>: ``python stages/merge_corpora.py <key>``."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline import merge_corpora
from mer.pipeline.stage import stage

key = sys.argv[1]
with stage(f"merge_corpora@{key}"):
    (settings,) = config.read(f"merged_corpora.{key}")
    merge_corpora.make(settings.of, Path("data/raw"), Path("data/index"), Path("data/raw") / key)
