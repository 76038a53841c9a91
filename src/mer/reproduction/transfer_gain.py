"""What a training gains on another one of the same clips, with an interval over clips and seeds."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from mer.errors import MerError
from mer.io.artefacts import read_json, read_predictions, write_json
from mer.metrics import (
    BOOTSTRAP_DRAWS,
    DIGITS,
    clips_of,
    draws,
    fold_scores,
    percentiles,
    resampled,
)
from mer.reproduction.spec import Papers, Table
from mer.types import Predictions

SCORES = ("f1_weighted", "accuracy")


def _answered(predictions: Predictions) -> set[tuple[str, int]]:
    """What was asked, and the right answer."""
    return set(zip(predictions.frame["id"], predictions.y_true, strict=True))


def _drawn(
    predictions: Predictions, weights: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Means of every score over rounds that are drawn, one fewer than there are [shape=(draws,)].

    Of n - 1 draws the mean has the variance s²/n that the mean of n rounds has; of n draws it would have
    (n - 1)/n of that, a fifth too little where there are five (Rao & Wu, "Resampling Inference with
    Complex Survey Data", JASA 83, 1988). A single round is all that can be drawn.
    """
    scores = resampled(predictions, weights)
    rounds = len(next(iter(scores.values())))
    count = max(rounds - 1, 1)
    shares = rng.multinomial(count, np.full(rounds, 1 / rounds), BOOTSTRAP_DRAWS).T / count
    return {name: (values * shares).sum(0) for name, values in scores.items()}


def gain(ours: Predictions, theirs: Predictions, seed: int) -> dict[str, float]:
    """How much higher ``ours`` scores: ``<score>``, and ``<score>_low, <score>_high`` of its interval.

    A score is the mean over rounds, trainings of the same split from other seeds. The interval is a
    percentile bootstrap of 95 %, of both noises at once: clips, the same for both systems, each with all
    its parts; and rounds, of each system by themselves, for a round of one has nothing to do with one of
    the other (clips crossed with rounds: Owen, "The Pigeonhole Bootstrap", Annals of Applied Statistics
    1, 2007; it errs on the wide side). Where a system has one round, its seed's noise is not in it.

    Raises
    ------
    MerError
        If they did not answer for the same clips.
    """
    if unlike := _answered(ours) ^ _answered(theirs):
        raise MerError(
            "a gain must be of two trainings with the same test clips and labels, but only one has "
            f"{min(unlike)[0]!r}; run `mer papers repro papers/dvc.yaml`"
        )
    rng = np.random.default_rng(seed)
    weights = draws(len(clips_of(ours)), rng)
    scores = [fold_scores(predictions) for predictions in (ours, theirs)]
    drawn = [_drawn(predictions, weights, rng) for predictions in (ours, theirs)]
    found: dict[str, float] = {}
    for name in SCORES:
        low, high = percentiles(drawn[0][name] - drawn[1][name])
        mean = float(scores[0][name].mean() - scores[1][name].mean())
        figures = {"": mean, "_low": low, "_high": high}
        found |= {f"{name}{part}": round(figure, DIGITS) for part, figure in figures.items()}
    return found


def _published(table: Table, row: str, reference: str, column: str) -> dict[str, float]:
    """``<score>_published``: the difference of the figures that the paper prints."""
    found: dict[str, float] = {}
    for name in SCORES:
        ours, theirs = (table.rows[r].published.get(name, {}).get(column) for r in (row, reference))
        if ours is not None and theirs is not None:
            found[f"{name}_published"] = round(ours - theirs, DIGITS)
    return found


def _gain(ours: Path, theirs: Path) -> dict[str, Any]:
    """What one run gains on another, and of what."""
    facts = [read_json(run / "run.json") for run in (ours, theirs)]
    answers = [read_predictions(run / "predictions.parquet") for run in (ours, theirs)]
    return {
        **gain(answers[0], answers[1], facts[0]["seed"]),
        "n_clips": len(clips_of(answers[0])),
        "n_rounds": min(fact.get("n_rounds", 1) for fact in facts),
        "profile": facts[0]["profile"],
    }


def cells(
    papers: Papers, name: str, reference: str, rows: Collection[str]
) -> dict[tuple[str, str], tuple[str, str]]:
    """(row, column) -> the experiments behind its cell and behind the reference's, where there are both.

    Parameters
    ----------
    name : str
        Key of ``tables``.
    """
    table = papers.tables[name]
    found = {
        (row, column): (table.key(row, column), table.key(reference, column))
        for row in rows
        for column in table.columns
    }
    return {cell: keys for cell, keys in found.items() if all(map(papers.find, keys))}


def write(
    papers: Papers,
    name: str,
    reference: str,
    rows: Collection[str],
    runs: Path,
    prefix: str,
    metrics: Path,
) -> None:
    """Write the gains of rows of a published table on its ``reference`` row: row -> column -> figures.

    They are those of ``gain``; the published gain, ``<score>_published``; ``n_clips, n_rounds`` and
    ``profile``. Every round of a transfer goes on from the network of its parent's first round, so
    that of its seeds only those of the last step are in the interval.

    Parameters
    ----------
    runs : Path
        ``data/runs/<paper>``, where a run is called ``<prefix><experiment>``.
    metrics : Path
        JSON to write.
    """
    found: dict[str, dict[str, Any]] = {row: {} for row in rows}
    for (row, column), (ours, theirs) in cells(papers, name, reference, rows).items():
        figures = _gain(runs / f"{prefix}{ours}", runs / f"{prefix}{theirs}")
        found[row][column] = figures | _published(papers.tables[name], row, reference, column)
    write_json(metrics, found)
