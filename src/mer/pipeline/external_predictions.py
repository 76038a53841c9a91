"""Scores of predictions that were made outside of this project, on the folds of a protocol.

A table has a row per repeat and test clip: ``id``, ``repeat`` (0 if it is left out) and, of classes,
``class`` or a probability per class, ``p_<class>``; of values, ``valence``, ``arousal`` or both. A clip is
looked up by its repeat and id, so the order of the rows does not matter.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mer.errors import MerError
from mer.io import spreadsheets
from mer.io.artefacts import MANIFEST
from mer.io.files import read_mapping
from mer.io.tracks import read_tracks
from mer.learn.cross_validation import PREDICTION_DIGITS, prediction_rows
from mer.learn.data import TrainingData
from mer.metrics import summary
from mer.pipeline.evaluate import scores_of_folds
from mer.pipeline.folds import Corpus, warn_of_copies
from mer.splits import mean_test_per_train
from mer.targets import labels
from mer.targets.target import Target
from mer.targets.values import Values
from mer.types import Fold

log = logging.getLogger("mer")

REMEDY = "write a row per repeat and test clip, with the columns that docs/evaluation.md names"
# What a system of the ledger reads; those of other people are known by their predictions alone.
UNKNOWN = {"family": "none", "view": "none", "augment": "none", "fidelity": "described"}
UNCHECKED = (
    "%s has no column `fold`: it cannot be checked that the predictions are of these folds, and only "
    "predictions of these folds keep training and test songs apart"
)
Found = Mapping[tuple[int, str], np.ndarray]


def _columns(target: Target, header: Sequence[str], path: Path) -> list[str]:
    """The columns that hold the predictions: ``class``, ``p_<class>`` of each class, or the values."""
    forms = [[f"p_{name}" for name in target.names], ["class"]]
    if isinstance(target, Values):
        forms = [list(target.names)]
    for names in forms:
        if {*names} <= {*header}:
            return names
    wanted = " or ".join(", ".join(names) for names in forms)
    raise MerError(f"{path} must have the columns {wanted}, and has {', '.join(header)}; {REMEDY}")


def _prediction(row: spreadsheets.Row, target: Target, columns: Sequence[str]) -> np.ndarray:
    """The prediction of a row: probabilities, or values within the scale [shape=(outputs,)]."""
    if columns == ["class"]:
        return np.array([name == row.choice("class", target.names) for name in target.names], float)
    found = np.array([row.number(name) for name in columns])
    if isinstance(target, Values):
        return found.clip(*target.scale)
    answer = int(found.argmax())
    if row.text("class"):
        answer = target.names.index(row.choice("class", target.names))
    if found[answer] < found.max():
        raise MerError(
            f"{row.where}: class must be the most probable one where there are probabilities, too, and is "
            f"{row.text('class')!r}; remove the column or correct the row"
        )
    if (found < 0).any() or not np.isclose(found.sum(), 1, atol=1e-2):
        raise MerError(
            f"{row.where}: the probabilities of the classes must be 0 or more and sum to 1; the lowest is "
            f"{found.min():g} and the sum {found.sum():g}; correct the row"
        )
    return _rounded(found, answer)


def _rounded(probabilities: np.ndarray, answer: int) -> np.ndarray:
    """The probabilities to the digits that are scored, of which that of the answer stays the highest."""
    found = probabilities.round(PREDICTION_DIGITS)
    if found.argmax() != answer:
        found[answer] = found.max() + 10**-PREDICTION_DIGITS
    return found


def _whole(row: spreadsheets.Row, column: str) -> int:
    """A whole number, 0 where the cell is blank or missing."""
    text = row.text(column) or "0"
    if not text.isdecimal():
        raise MerError(
            f"{row.where}: {column} must be a whole number from 0, not {text!r}; correct it"
        )
    return int(text)


def _check_folds(rows: Sequence[spreadsheets.Row], folds: Sequence[Fold], path: Path) -> None:
    """Refuse a table whose column ``fold`` names other folds than those of the protocol.

    Without that column, log that this cannot be checked.
    """
    if "fold" not in rows[0].cells:
        log.warning(UNCHECKED, path)
        return
    tested = {(fold.repeat, id_): fold.fold for fold in folds for id_ in fold.test}
    for row in rows:
        place = _whole(row, "repeat"), row.cells["id"]
        if tested.get(place, stated := _whole(row, "fold")) != stated:
            raise MerError(
                f"{row.where}: {place[1]!r} is a test clip of fold {tested[place]} of repeat {place[0]}, "
                f"not of fold {stated}, so {path} is of other folds; predict those that "
                "`mer folds --export` lists for this protocol and seed"
            )


def read(
    path: Path, target: Target, folds: Sequence[Fold] = ()
) -> dict[tuple[int, str], np.ndarray]:
    """The predictions of a table by repeat and clip.

    Raises
    ------
    MerError
        If a column is missing, a cell is no prediction, a clip stands twice in a repeat, or a column
        ``fold`` names other folds than ``folds``.
    """
    rows = spreadsheets.read(path, ["id"], REMEDY)
    columns = _columns(target, list(rows[0].cells), path)
    _check_folds(rows, folds, path)
    found: dict[tuple[int, str], np.ndarray] = {}
    for row in rows:
        place = _whole(row, "repeat"), row.cells["id"]
        if place in found:
            raise MerError(
                f"{row.where}: a clip must stand once in a repeat, and {place[1]!r} stands twice in repeat "
                f"{place[0]}; remove one row"
            )
        found[place] = _prediction(row, target, columns)
    return found


def _tested(folds: Sequence[Fold], found: Found, path: Path) -> list[Fold]:
    """The folds of the repeats that a table has, the first ones; it must have all of their test clips."""
    repeats = range(len({repeat for repeat, _ in found}))
    chosen = [fold for fold in folds if fold.repeat in repeats]
    wanted = {(fold.repeat, id_) for fold in chosen for id_ in fold.test}
    for fault, places in (("lacks", wanted - found.keys()), ("has besides", found.keys() - wanted)):
        if places:
            repeat, id_ = min(places)
            raise MerError(
                f"{path} must have every test clip of the first repeats once, and no other, and {fault} "
                f"{len(places)}, the first is {id_!r} of repeat {repeat}; predict the clips that "
                "`mer folds --export` lists, from repeat 0"
            )
    return chosen


def _frame(folds: Sequence[Fold], found: Found, data: TrainingData) -> pd.DataFrame:
    """The table of predictions, fold by fold, as a run of this project has it."""
    parts = []
    for fold in folds:
        rows = np.stack([found[fold.repeat, id_] for id_ in fold.test])
        parts.append(prediction_rows(data, fold, fold.test, fold.test, rows))
    return pd.concat(parts, ignore_index=True)


def score(
    path: Path,
    index: Path,
    standard: Path,
    *,
    target: str,
    protocol: str,
    seed: int,
    folds: int | None = None,
    repeats: int | None = None,
) -> dict[str, Any]:
    """The scores of a table of predictions, as ``metrics/experiments`` has those of a system.

    Parameters
    ----------
    path : Path
        CSV or .xlsx.
    index, standard : Path
        ``data/index/<dataset>``, ``data/standard/<dataset>``.
    target : str
        What is predicted, such as ``quadrant``.
    protocol : str
        Whose folds the predictions are of; the table may have its first repeats alone.
    seed : int
        Of the folds and of the samples of the intervals.
    folds, repeats : int or None
        Their numbers, where they are not those of the protocol.

    Raises
    ------
    MerError
        If the corpus does not allow the target or the protocol, or the table is no such table, lacks a test
        clip or has another clip.
    """
    tracks, scale = read_tracks(index), read_mapping(index / MANIFEST).get("range")
    predicted = labels.target_of(target, tracks, scale)
    data = TrainingData(labels.encode(tracks, target), predicted)
    all_folds = Corpus(index, standard).split(protocol, seed, folds, repeats)
    answers = read(path, predicted, all_folds)
    tested_folds = _tested(all_folds, answers, path)
    if protocol == "grouped":
        warn_of_copies(tested_folds, "--repeats ")
    predictions = predicted.predictions(_frame(tested_folds, answers, data))
    return {
        "model": path.stem,
        **UNKNOWN,
        "dataset": index.name,
        "target": target,
        "protocol": protocol,
        "seed": seed,
        "test_per_train": mean_test_per_train(tested_folds),
        **summary(predictions, seed),
        "folds": scores_of_folds(predictions),
    }
