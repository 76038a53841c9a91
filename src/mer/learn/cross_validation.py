"""Train a model on every fold of a protocol; the only way to predictions.

A model's ``trainer`` names a module of ``mer.learn.trainers``. Its ``fit_predict(training, material)``
trains as ``mer.learn.context.FoldContext`` says and returns arrays: ``probabilities`` of the test clips
[shape=(len(fold.test), C)] and, from networks, ``curve.<n>_<phase>`` [shape=(epochs, 2): loss, accuracy],
phases numbered in their order, with ``timing.<n>_<phase>`` [shape=(3,): seconds, epochs, examples of an
epoch], which is for the run's records only, and ``weights.<name>``; ``selected``, the names of the
columns that an estimator has chosen, a line each, as bytes; ``segments`` [shape=(len(fold.test),
segments, C)] where clips are cut; ``trials`` [shape=(trials, columns of
``mer.learn.hyperparameter_search``)] where a config was searched. Where its ``uses_device`` is true,
folds take turns on a GPU.

Its ``answer(kept, material, ids)`` gives the probabilities of any clips [shape=(len(ids), C)], by what
``mer.learn.context.FittedFold`` holds of such a training; where it ran in rounds, by the first. It looks at no
label but those of training clips, and of their inputs at ``predict_reads``, in the words of a model's
``reads``.

A model that is trained in rounds on one fold returns ``probabilities`` [shape=(rounds,
len(fold.test), C)] and ``curve.<phase>.<round>``; each round is a repeat of the fold. ``weights`` and
``selected`` are those of the first.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from mer import registry
from mer.errors import MerError
from mer.learn import hyperparameter_search
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.schema.profiles import Profile
from mer.types import Fold, Predictions, part_ids

PROBABILITY_DIGITS = 4
TRIAL_COLUMNS = ["repeat", "fold", *hyperparameter_search.COLUMNS]
CURVE_COLUMNS = ["repeat", "fold", "phase", "epoch", "loss", "accuracy"]
TIMING_COLUMNS = ["phase", "seconds", "epochs", "examples"]


@dataclass(frozen=True)
class Trained:
    """What a cross-validation leaves.

    Attributes
    ----------
    predictions : Predictions
    segments : Predictions or None
        Of the clips' segments, with ids ``<clip>#<segment>``, where clips are cut.
    curves : pd.DataFrame
        ``repeat, fold, phase, epoch, loss, accuracy``; without rows for an estimator.
    trials : pd.DataFrame
        ``repeat, fold`` and the columns of ``mer.learn.hyperparameter_search``, where a config was
        searched.
    weights : mapping of (repeat, fold) to mapping of str to np.ndarray
        Of the first repeat's networks.
    selected : mapping of (repeat, fold) to list of str
        Columns that an estimator has chosen, where it chooses.
    timings : pd.DataFrame
        ``phase, seconds, epochs, examples`` of every training that says; no two runs have the same.
    rounds : int
        Trainings of each fold; repeat ``r`` of the predictions is of round ``r // repeats``.
    folds : int
        Folds that were trained: all, unless the time given was too short.
    """

    predictions: Predictions
    segments: Predictions | None
    curves: pd.DataFrame
    trials: pd.DataFrame
    weights: Mapping[tuple[int, int], Mapping[str, np.ndarray]]
    selected: Mapping[tuple[int, int], list[str]]
    timings: pd.DataFrame
    rounds: int
    folds: int


def fold_seed(seed: int, fold: Fold) -> int:
    """The seed of one fold's training, derived from ``seed``, repeat and fold."""
    text = f"{seed}/{fold.repeat}/{fold.fold}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def trainer_of(model: str) -> ModuleType:
    """The module of ``mer.learn`` that trains a model."""
    return registry.get("learn.trainers", registry.get("models", model).trainer)


def runs_sequentially(model: str) -> bool:
    """Whether a model's folds are trained, or asked, one after the other, on a GPU."""
    if not trainer_of(model).uses_device:
        return False  # and nothing loads torch
    from mer.runtime.device import device

    return device().type == "cuda"


def _train(
    model: str,
    params: Any,
    material: TrainingData,
    fidelity: str,
    profile: Profile,
    seed: int,
    fold: Fold,
) -> dict[str, np.ndarray]:
    """What the trainer returns; weights of the first repeat only, for no others are kept."""
    module = registry.get("models", model)
    training = FoldContext(module, params, fold, fold_seed(seed, fold), fidelity, profile)
    arrays = trainer_of(model).fit_predict(training, material.ranked(fold.train))
    kept = fold.repeat == 0
    return {
        name: array for name, array in arrays.items() if kept or not name.startswith("weights.")
    }


def _rows(
    fold: Fold, ids: Sequence[str], y_true: Sequence[int], probabilities: np.ndarray
) -> pd.DataFrame:
    columns = {f"p_{c}": p for c, p in enumerate(probabilities.T.round(PROBABILITY_DIGITS))}
    facts = {"id": list(ids), "repeat": fold.repeat, "fold": fold.fold, "y_true": y_true}
    return pd.DataFrame({**facts, **columns}).astype(dict.fromkeys(columns, float))


def _segment_rows(fold: Fold, y_true: Sequence[int], probabilities: np.ndarray) -> pd.DataFrame:
    """Rows of the clips' segments, of probabilities [shape=(n, segments, C)]."""
    count = probabilities.shape[1]
    ids = [part for id_ in fold.test for part in part_ids(id_, count)]
    flat = probabilities.reshape(len(ids), -1)
    return _rows(fold, ids, np.repeat(y_true, count).tolist(), flat)


def _of_round(fold: Fold, repeats: int, number: int) -> Fold:
    """The fold as the repeat that a round is: round after round, each with all repeats."""
    return replace(fold, repeat=number * repeats + fold.repeat)


def _curve(fold: Fold, repeats: int, name: str, values: np.ndarray) -> pd.DataFrame:
    phase, _, number = name.partition(".")
    fold = _of_round(fold, repeats, int(number or 0))
    curve = pd.DataFrame(values.round(PROBABILITY_DIGITS), columns=CURVE_COLUMNS[-2:])
    epochs = range(1, len(curve) + 1)
    return curve.assign(repeat=fold.repeat, fold=fold.fold, phase=phase, epoch=epochs)[
        CURVE_COLUMNS
    ]


def _trials(fold: Fold, values: np.ndarray) -> pd.DataFrame:
    trials = pd.DataFrame(values, columns=list(hyperparameter_search.COLUMNS)).round(
        {"objective": 4}
    )
    whole = dict.fromkeys(("trial", "batch", "adam", "chosen"), int)
    return trials.astype(whole).assign(repeat=fold.repeat, fold=fold.fold)[TRIAL_COLUMNS]


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([t for t in tables if len(t)] or tables, ignore_index=True)


def _phase(name: str) -> str:
    """What a phase is called without its place and its round: ``1_training.0`` is ``training``."""
    return re.sub(r"^\d_|\..*", "", name)


def _timings(arrays: Mapping[str, np.ndarray]) -> pd.DataFrame:
    found = _under("timing.", arrays)
    rows = [(_phase(name), *values) for name, values in sorted(found.items())]
    return pd.DataFrame(rows, columns=TIMING_COLUMNS)


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def cross_validate(
    model: str,
    params: Any,
    material: TrainingData,
    folds: Sequence[Fold],
    *,
    seed: int,
    fidelity: str,
    profile: Profile,
    each: Callable[..., Iterator[dict[str, np.ndarray]]],
) -> Trained:
    """Predictions of every test clip by a model trained on its fold's training part.

    Parameters
    ----------
    each : callable
        ``mer.parallel.parallel_map``, or the function that ``mer.parallel.checkpointed_map`` yields:
        a fold whose result is empty was not trained, and is left out.

    Raises
    ------
    MerError
        If no fold was trained.
    """
    rows: list[pd.DataFrame] = []
    segments: list[pd.DataFrame] = []
    curves = [pd.DataFrame(columns=CURVE_COLUMNS)]
    trials = [pd.DataFrame(columns=TRIAL_COLUMNS)]
    timings: list[pd.DataFrame] = []
    weights: dict[tuple[int, int], Mapping[str, np.ndarray]] = {}
    selected: dict[tuple[int, int], list[str]] = {}
    work = partial(_train, model, params, material, fidelity, profile, seed)
    repeats = 1 + max(fold.repeat for fold in folds)
    found = each(work, folds, label=f"train {model}", sequential=runs_sequentially(model))
    done = [(fold, arrays) for fold, arrays in zip(folds, found, strict=True) if arrays]
    if not done:
        raise MerError(
            f"model {model!r}: at least one fold must end in the time given, and none has"
        )
    for fold, arrays in done:
        y_true = [material.labels[i] for i in fold.test]
        answers = arrays["probabilities"]
        answers = answers if answers.ndim == 3 else answers[None]
        rounds = len(answers)
        for number, answer in enumerate(answers):
            rows.append(_rows(_of_round(fold, repeats, number), fold.test, y_true, answer))
        if "segments" in arrays:
            segments.append(_segment_rows(fold, y_true, arrays["segments"]))
        found_curves = sorted(_under("curve.", arrays).items())
        curves += [_curve(fold, repeats, name, values) for name, values in found_curves]
        timings.append(_timings(arrays))
        if "trials" in arrays:
            trials.append(_trials(fold, arrays["trials"]))
        if kept := _under("weights.", arrays):
            weights[fold.repeat, fold.fold] = kept
        if "selected" in arrays:
            names = arrays["selected"].tobytes().decode().split("\n")
            selected[fold.repeat, fold.fold] = names
    predictions = Predictions(pd.concat(rows, ignore_index=True), material.classes)
    by_segment = (
        Predictions(pd.concat(segments, ignore_index=True), material.classes) if segments else None
    )
    return Trained(
        predictions,
        by_segment,
        _joined(curves),
        _joined(trials),
        weights,
        selected,
        pd.concat(timings, ignore_index=True),
        rounds,
        len(done),
    )
