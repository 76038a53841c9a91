"""Render a demo corpus: corpora.<key>, demos.<key> -> data/raw/<key>."""

import sys
from pathlib import Path

from mer import config
from mer.pipeline.demo import render
from mer.pipeline.stage import stage

key = sys.argv[1]
with stage(f"render@{key}"):
    layout, rate, counts, settings = config.read(
        f"corpora.{key}.layout",
        f"corpora.{key}.sample_rate",
        f"corpora.{key}.counts",
        f"demos.{key}",
    )
    render.render(
        layout,
        Path("data/raw") / key,
        seed=settings.seed,
        seconds=settings.seconds,
        sample_rate=rate,
        counts=counts,
        release=settings.release,
    )
