"""Show the selected run on one page: ``python stages/report.py``."""

from pathlib import Path

from mer import config
from mer.io.artefacts import (
    quarantined,
    read_json,
    read_predictions,
    read_tracks,
    unlabelled,
    write_text,
    writing,
)
from mer.pipeline.stage import stage
from mer.report.page import render

with stage("report"):
    (dataset,) = config.read("dataset")
    (corpus,) = config.read(f"corpora.{dataset}")
    html = render(
        read_json(Path("metrics/run.json")),
        read_predictions(Path("data/runs/selected/predictions.parquet")),
        read_tracks(Path("data/index", dataset)),
        quarantined(Path("data/standard", dataset)),
        unlabelled(Path("data/index", dataset)),
        {key: getattr(corpus, key) for key in ("citation", "license", "source")},
    )
    with writing(Path("data/report")) as folder:
        write_text(folder / "report.html", html)
