"""Learning curves of networks: a panel for the loss and one for the accuracy of each phase."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

WIDTH, HEIGHT = 280, 120  # of a panel
SCORES = {"loss": "Training loss", "accuracy": "Training accuracy"}


def panels(curves: pd.DataFrame) -> list[dict[str, Any]]:
    """The panels, phase after phase; none for an estimator, which has no epochs.

    Parameters
    ----------
    curves : pd.DataFrame
        ``phase, epoch, loss, accuracy`` of every training; a phase is called ``<number>_<name>``.
    """
    return [
        _panel(phase_name(phase), SCORES[score], rows["epoch"], rows[score])
        for phase in sorted(curves["phase"].unique().tolist())
        for rows in [curves[curves["phase"] == phase]]
        for score in SCORES
        if rows[score].notna().all()
    ]


def phase_name(phase: str) -> str:
    """The name in ``<number>_<name>``."""
    return phase.partition("_")[2] or phase


def _panel(phase: str, title: str, epochs: pd.Series, values: pd.Series) -> dict[str, Any]:
    """The mean over the trainings that have an epoch, and the lowest and highest, as points of SVG."""
    found = values.groupby(epochs).agg(["mean", "min", "max"])
    top = 1.0 if values.name == "accuracy" else float(values.max()) or 1.0
    across = WIDTH * (found.index.to_numpy() - 1) / max(len(found) - 1, 1)
    up = HEIGHT * (1 - found.to_numpy() / top)
    mean, lowest, highest = (np.column_stack([across, column]) for column in up.T)
    return {
        "phase": phase,
        "title": title,
        "epochs": len(found),
        "top": top,
        "last": float(found["mean"].iloc[-1]),
        "line": points(mean),
        "band": points(np.concatenate([lowest, highest[::-1]])),
        "end": mean[-1].round(1).tolist(),
    }


def points(places: Iterable[Sequence[float]]) -> str:
    """Pairs (x, y) as the attribute ``points`` of SVG."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
