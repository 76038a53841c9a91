"""Improvement of one system over another on the same clips, with an interval over clips and seeds."""

from pathlib import Path
from typing import Any, cast

import numpy as np

from mer.errors import MerError
from mer.io.artefacts import absent
from mer.io.files import read_json, write_json
from mer.io.predictions import read_predictions
from mer.metrics import (
    BOOTSTRAP_DRAWS,
    DIGITS,
    bootstrap_scores,
    bootstrap_weights,
    clips_of,
    fold_scores,
    percentiles,
)
from mer.predictions import Predictions
from mer.reproduction.spec import Papers, Table
from mer.types import FOLDS_AND_REPEATS

SCORES = ("f1_weighted", "accuracy")


def _tested(predictions: Predictions) -> set[tuple[str, int]]:
    """The predicted clips with their true classes."""
    return set(zip(predictions.frame["id"], predictions.y_true, strict=True))


def _sampled(
    predictions: Predictions, weights: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Means of every score over bootstrap samples of n - 1 of the n restarts [shape=(samples,)].

    The mean of n - 1 sampled restarts has the variance s²/n of the mean of n restarts. With n samples, the
    variance would be (n - 1)/n of it, a fifth too small for five restarts (Rao & Wu, "Resampling Inference
    with Complex Survey Data", JASA 83, 1988). A single restart is always in the sample.
    """
    scores = bootstrap_scores(predictions, weights)
    restarts = len(next(iter(scores.values())))
    count = max(restarts - 1, 1)
    shares = rng.multinomial(count, np.full(restarts, 1 / restarts), BOOTSTRAP_DRAWS).T / count
    return {name: (values * shares).sum(0) for name, values in scores.items()}


def improvement(ours: Predictions, theirs: Predictions, seed: int) -> dict[str, float]:
    """The difference of the scores of ``ours`` and ``theirs``, and its 95 % interval.

    A score is the mean over restarts, trainings of the same split from other seeds. The percentile
    bootstrap resamples clips, the same for both systems and each with all its segments, and restarts,
    separately for each system, because restarts of different systems are independent (clips crossed with
    restarts: Owen, "The Pigeonhole Bootstrap", Annals of Applied Statistics 1, 2007; the interval is
    conservative). For a system with one restart, the interval does not include the variation over seeds.

    Returns
    -------
    dict of str to float
        ``<score>, <score>_low, <score>_high``.

    Raises
    ------
    MerError
        If the systems were not tested on the same clips, or have several folds in a repeat.
    """
    if unlike := _tested(ours) ^ _tested(theirs):
        raise MerError(
            "an improvement needs two systems with the same test clips and labels, but only one has "
            f"{min(unlike)[0]!r}; run `mer papers repro papers/dvc.yaml`"
        )
    for predictions in (ours, theirs):
        if predictions.frame.groupby("repeat")["fold"].nunique().max() > 1:
            raise MerError(
                "an improvement needs two systems on one split, and one has several folds in a repeat; "
                "compare such systems with `mer runs`"
            )
    rng = np.random.default_rng(seed)
    weights = bootstrap_weights(len(clips_of(ours)), rng)
    scores = [fold_scores(predictions) for predictions in (ours, theirs)]
    sampled = [_sampled(predictions, weights, rng) for predictions in (ours, theirs)]
    found: dict[str, float] = {}
    for name in SCORES:
        low, high = percentiles(sampled[0][name] - sampled[1][name])
        mean = float(scores[0][name].mean() - scores[1][name].mean())
        figures = {"": mean, "_low": low, "_high": high}
        found |= {f"{name}{part}": round(figure, DIGITS) for part, figure in figures.items()}
    return found


def _published(table: Table, row: str, reference: str, column: str) -> dict[str, float]:
    """``<score>_published``: the difference of the published figures."""
    found: dict[str, float] = {}
    for name in SCORES:
        ours, theirs = (table.rows[r].published.get(name, {}).get(column) for r in (row, reference))
        if ours is not None and theirs is not None:
            found[f"{name}_published"] = round(ours - theirs, DIGITS)
    return found


def _figures(ours: Path, theirs: Path) -> dict[str, Any]:
    """The improvement of one run over another, with the number of clips and restarts; or, under ``absent``,
    why there is none."""
    if reason := absent(ours) or absent(theirs):
        return {"absent": reason}
    facts = [read_json(run / "run.json") for run in (ours, theirs)]
    for name in ("profile", "seed"):
        if facts[0][name] != facts[1][name]:
            return {"absent": f"{name} {facts[0][name]} and {facts[1][name]} cannot be compared"}
    answers = [
        cast(Predictions, read_predictions(run / "predictions.parquet")) for run in (ours, theirs)
    ]
    return {
        **improvement(answers[0], answers[1], facts[0]["seed"]),
        "n_clips": len(clips_of(answers[0])),
        "n_restarts": min(fact.get("n_restarts", 1) for fact in facts),
        "profile": facts[0]["profile"],
    }


def cells(papers: Papers, name: str) -> dict[tuple[str, str, str], tuple[str, str]]:
    """(row, reference row, column) -> the experiments of the two cells, where both exist with one split.

    Parameters
    ----------
    name : str
        Key of ``tables``; its rows name their references.
    """
    table = papers.tables[name]
    found = {
        (row, reference, column): (table.key(row, column), table.key(reference, column))
        for row in table.rows
        for reference in table.references(row)
        for column in table.columns
    }

    def has_one_split(key: str) -> bool:
        protocol = getattr(papers.find(key), "protocol", None)
        return protocol is not None and FOLDS_AND_REPEATS.get(protocol, (1, 1)) == (1, 1)

    return {cell: keys for cell, keys in found.items() if all(map(has_one_split, keys))}


def write(papers: Papers, name: str, runs: Path, prefix: str, metrics: Path) -> None:
    """Write the improvements of the rows of a published table over their reference rows.

    For each row, reference and column, the JSON has the figures of ``improvement``, the published
    improvement ``<score>_published``, ``n_clips``, ``n_restarts`` (restarts) and ``profile``; or, under
    ``absent``, the missing input of one of the two. Every restart of a transfer continues from the network
    of the first restart of its parent, so that the interval includes only the seeds of the last training.

    Parameters
    ----------
    runs : Path
        ``data/runs/<paper>``; a run is named ``<prefix><experiment>``.
    metrics : Path
        JSON to write.
    """
    found: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for (row, reference, column), keys in cells(papers, name).items():
        ours, theirs = (runs / f"{prefix}{key}" for key in keys)
        figures = _figures(ours, theirs) | _published(papers.tables[name], row, reference, column)
        found.setdefault(row, {}).setdefault(reference, {})[column] = figures
    write_json(metrics, found)
