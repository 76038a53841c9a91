"""Show the selected run on one page: ``python stages/report.py``."""

from pathlib import Path

import pandas as pd

from mer import config
from mer.io.files import read_json, write_text, writing
from mer.io.predictions import read_predictions
from mer.io.standard import quarantined
from mer.io.tracks import read_tracks, unlabelled
from mer.pipeline.stage import stage
from mer.report.page import render
from mer.reproduction import published, spec

with stage("report"):
    dataset, model = config.read("dataset", "model")
    corpus, params = config.read(f"corpora.{dataset}", f"models.{model}")
    metrics, run = read_json(Path("metrics/run.json")), Path("data/runs/selected")
    html = render(
        metrics,
        read_predictions(run / "predictions.parquet"),
        read_tracks(Path("data/index", dataset)),
        quarantined(Path("data/standard", dataset)),
        unlabelled(Path("data/index", dataset)),
        {key: getattr(corpus, key) for key in ("citation", "license", "source")},
        learning=pd.read_csv(run / "curves.csv"),
        published=published.figures(spec.load(), metrics, params),
    )
    with writing(Path("data/report")) as folder:
        write_text(folder / "report.html", html)
