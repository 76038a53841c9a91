"""The pretrained system that comes with the package: trained, scored and described by one stage."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mer import config
from mer.errors import MerError
from mer.inference import system, trained
from mer.io.files import write_text
from mer.io.predictions import read_predictions
from mer.learn.calibration import COVERAGE, calibration_error, conformal_threshold, cross_fitted
from mer.metrics import fold_scores, intervals
from mer.pipeline import provenance, train
from mer.predictions import Predictions
from mer.selection import Selection
from mer.targets import labels
from mer.types import QUADRANTS

RUNS = Path("data/runs/pretrained")
PROTOCOLS = {"grouped": "artists apart", "cv10x10": "artists shared"}
CARD = Path(__file__).with_name("model_card.md")


def make(chosen: Selection, target: Path, title: str) -> None:
    """Train a selection under both protocols, and write the folder of its system with a model card.

    The members are those of the first repeat of the folds that keep an artist on one side.

    Parameters
    ----------
    chosen : Selection
        Of a model that reads a table and tells quadrants apart.
    target : Path
        ``pretrained/<name>``.

    Raises
    ------
    MerError
        If the corpus is absent.
    """
    if chosen.target != "quadrant":
        raise MerError(f"the target must be quadrant, not {chosen.target!r}")
    found: dict[str, Predictions] = {}
    for protocol in PROTOCOLS:
        own, keep = replace(chosen, protocol=protocol), protocol == "grouped"
        facts = provenance.digest(own)
        train.run(own, *own.blocks(), RUNS / protocol, keep_weights=keep, facts=facts)
        predictions = read_predictions(RUNS / protocol / "predictions.parquet")
        assert isinstance(predictions, Predictions)
        found[protocol] = predictions
    whole = trained.of_run(RUNS / "grouped", replace(chosen, protocol="grouped"))
    changes = {"title": title, "code": {}}  # tests compare its answers, which says more
    whole = replace(whole, about=whole.about.model_copy(update=changes))
    system.write(whole, target)
    write_text(target / "README.md", _card(target, found, chosen.seed))


def _card(target: Path, found: dict[str, Predictions], seed: int) -> str:
    """The model card of the system in ``target``, from the predictions under each protocol."""
    about = system.read(target).about
    assert about.calibration is not None
    (corpus,) = config.read(f"corpora.{about.dataset}")
    facts: dict[str, Any] = {
        "name": target.name,
        "title": about.title,
        "citation": corpus.citation,
        "license": corpus.license,
        "clips": found["grouped"].frame["id"].nunique(),
        "members": about.members,
        "scores": _scores(found, seed),
        "calibration": _calibration(found["grouped"]),
        "sets": _sets(found["grouped"]),
        "temperature": f"{about.calibration.temperature:.3f}",
        "coverage": f"{100 * COVERAGE:.0f} %",
        "sha256": "\n".join(f"| `{file}` | `{digest}` |" for file, digest in about.sha256.items()),
    }
    return CARD.read_text(encoding="utf-8").format_map(facts)


def _scores(found: dict[str, Predictions], seed: int) -> str:
    lines = []
    for protocol, predictions in found.items():
        means = {name: values.mean() for name, values in fold_scores(predictions).items()}
        low, high = intervals(predictions, seed)["f1_macro"]
        each = " / ".join(f"{means[f'f1_{name.lower()}']:.3f}" for name in QUADRANTS)
        cells = (
            PROTOCOLS[protocol],
            f"{means['f1_macro']:.3f} ({low:.3f}–{high:.3f})",
            f"{means['accuracy']:.3f}",
            each,
            *(f"{_axis_accuracy(predictions, axis):.3f}" for axis in ("arousal", "valence")),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _high(predictions: Predictions, axis: str, probabilities: np.ndarray) -> tuple[Any, Any]:
    """The probability that an axis is high, and whether it is [shape=(rows,)]."""
    high = np.isin(QUADRANTS, labels.HIGH[axis])
    return probabilities[:, high].sum(axis=1), high[predictions.y_true]


def _axis_accuracy(predictions: Predictions, axis: str) -> float:
    probability, true = _high(predictions, axis, predictions.probabilities)
    return float(((probability > 0.5) == true).mean())


def _calibration(predictions: Predictions) -> str:
    """The calibration errors before and after, of quadrants and axes, by temperatures of other folds."""
    before, after = predictions.probabilities, cross_fitted(predictions)
    rows = {"quadrant": [_quadrant_error(predictions, p) for p in (before, after)]}
    for axis in ("arousal", "valence"):
        rows[f"high {axis}"] = [_axis_error(predictions, axis, p) for p in (before, after)]
    return "\n".join(f"| {name} | {b:.3f} | {a:.3f} |" for name, (b, a) in rows.items())


def _quadrant_error(predictions: Predictions, probabilities: np.ndarray) -> float:
    correct = probabilities.argmax(axis=1) == predictions.y_true
    return calibration_error(probabilities.max(axis=1), correct)


def _axis_error(predictions: Predictions, axis: str, probabilities: np.ndarray) -> float:
    probability, true = _high(predictions, axis, probabilities)
    sure = np.maximum(probability, 1 - probability)
    return calibration_error(sure, (probability > 0.5) == true)


def _sets(predictions: Predictions) -> str:
    """How often the possible quadrants hold the true one, and what single answers are worth.

    The threshold for each half of the clips is taken from the other half.
    """
    probabilities, y_true = cross_fitted(predictions), predictions.y_true
    halves = predictions.frame["id"].isin(sorted(set(predictions.frame["id"]))[::2]).to_numpy()
    held = np.zeros(probabilities.shape, dtype=bool)
    for half in (halves, ~halves):
        held[half] = probabilities[half] >= conformal_threshold(probabilities[~half], y_true[~half])
    best = probabilities.argmax(axis=1)
    held[np.arange(len(best)), best] = True
    single = held.sum(axis=1) == 1
    holds = held[np.arange(len(best)), y_true].mean()
    right = (best == y_true)[single].mean()
    return (
        f"The possible quadrants hold the true one in {100 * holds:.1f} % of the clips. In "
        f"{100 * single.mean():.1f} % of the clips a single quadrant is possible, and it is the true one "
        f"in {100 * right:.1f} % of these"
    )
