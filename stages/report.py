"""Show the selected run on one page: ``python stages/report.py``."""

from pathlib import Path

import pandas as pd

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
from mer.reproduction import published, spec

with stage("report"):
    (dataset,) = config.read("dataset")
    (corpus,) = config.read(f"corpora.{dataset}")
    metrics, run = read_json(Path("metrics/run.json")), Path("data/runs/selected")
    html = render(
        metrics,
        read_predictions(run / "predictions.parquet"),
        read_tracks(Path("data/index", dataset)),
        quarantined(Path("data/standard", dataset)),
        unlabelled(Path("data/index", dataset)),
        {key: getattr(corpus, key) for key in ("citation", "license", "source")},
        learning=pd.read_csv(run / "curves.csv"),
        published=published.figures(spec.load(), metrics),
    )
    with writing(Path("data/report")) as folder:
        write_text(folder / "report.html", html)
