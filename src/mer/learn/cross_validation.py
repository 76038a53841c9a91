"""Cross-validation: a model is trained on every fold of a protocol and predicts its test clips.

``mer.contracts.Trainer`` says how a fold is trained, ``mer.learn.result.FoldResult`` what a training
returns. Each restart of a fold counts as a repeat of the protocol.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mer import registry
from mer.errors import MerError
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.result import FoldResult, TrainingPhase
from mer.schema.profiles import Profile
from mer.types import AnyPredictions, Fold, part_ids

if TYPE_CHECKING:
    from mer.contracts import Trainer

PREDICTION_DIGITS = OBJECTIVE_DIGITS = 4
TRIAL_COLUMNS = ["repeat", "fold", "trial", "batch", "adam", "lr", "objective", "chosen"]
CURVE_COLUMNS = ["repeat", "fold", "phase", "epoch", "loss", "accuracy"]
TIMING_COLUMNS = ["phase", "seconds", "epochs", "examples"]

FoldMap = Callable[..., Iterator[FoldResult | None]]


@dataclass(frozen=True)
class CrossValidation:
    """The results of a cross-validation.

    Attributes
    ----------
    predictions : Predictions or ValuePredictions
        Test clips of all folds.
    segments : Predictions, ValuePredictions or None
        Segments of the test clips, with ids ``<clip>#<segment>``, where clips are cut into segments.
    curves : pd.DataFrame
        ``repeat, fold, phase, epoch, loss, accuracy``: the learning curves; no rows of an estimator.
    trials : pd.DataFrame
        ``repeat, fold, trial, batch, adam, lr, objective, chosen``: the trials of hyperparameter searches;
        ``adam`` is 1 for Adam and 0 for SGD.
    weights : mapping of (repeat, fold) to mapping of str to np.ndarray
        Weights of the networks or estimators of the first repeat, if they were asked for.
    selected_columns : mapping of (repeat, fold) to sequence of str
        Columns that the estimators select, where they select any.
    timings : pd.DataFrame
        ``phase, seconds, epochs, examples`` of every training; they differ from run to run.
    restarts : int
        Trainings of each fold; repeat ``r`` of the predictions is of restart ``r // repeats``.
    n_folds : int
        Folds that were trained: all of them, unless the time was up before.
    """

    predictions: AnyPredictions
    segments: AnyPredictions | None
    curves: pd.DataFrame
    trials: pd.DataFrame
    weights: Mapping[tuple[int, int], Mapping[str, np.ndarray]]
    selected_columns: Mapping[tuple[int, int], Sequence[str]]
    timings: pd.DataFrame
    restarts: int
    n_folds: int


def fold_seed(seed: int, fold: Fold) -> int:
    """The seed of the training of one fold, derived from ``seed``, the repeat and the fold."""
    text = f"{seed}/{fold.repeat}/{fold.fold}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def trainer_of(model: str) -> "Trainer":
    """The trainer of a model."""
    return registry.get("learn.trainers", registry.get("models", model).trainer)


def runs_sequentially(model: str) -> bool:
    """Whether the folds of a model run one after the other, because each needs the whole GPU."""
    if not trainer_of(model).uses_device:
        return False  # without importing torch
    from mer.runtime.device import device

    return device().type == "cuda"


def _train(
    model: str,
    params: Any,
    data: TrainingData,
    fidelity: str,
    profile: Profile,
    seed: int,
    weights: bool,
    fold: Fold,
) -> FoldResult:
    """The result of one fold; only folds of the first repeat keep their weights."""
    if len(known := {data.labels[id_] for id_ in fold.train}) < 2:
        raise MerError(
            f"fold {fold.fold} of repeat {fold.repeat} must have training clips of at least two classes "
            f"or values, not of {', '.join(map(data.target.text, known))} alone; label songs of other "
            "classes, or take another protocol or target"
        )
    module, keep = registry.get("models", model), weights and fold.repeat == 0
    own = fold_seed(seed, fold)
    context = FoldContext(module, params, fold, own, fidelity, profile, keeps_weights=keep)
    result = trainer_of(model).fit_predict(context, data.with_ranked_columns(fold))
    return result if keep else replace(result, weights={})


def _rows(
    data: TrainingData, fold: Fold, ids: Sequence[str], clips: Sequence[str], found: np.ndarray
) -> pd.DataFrame:
    """The rows of ``ids``, of clips or of segments, whose labels are those of ``clips``."""
    test, train = ([data.labels[clip] for clip in side] for side in (clips, fold.train))
    columns = data.target.columns(found.round(PREDICTION_DIGITS).astype(float), test, train)
    facts = {"id": list(ids), "repeat": fold.repeat, "fold": fold.fold}
    return pd.DataFrame({**facts, **columns})


def _segment_rows(data: TrainingData, fold: Fold, found: np.ndarray) -> pd.DataFrame:
    """Rows of segments, from their predictions [shape=(n, segments, outputs)]."""
    count = found.shape[1]
    ids = [part for id_ in fold.test for part in part_ids(id_, count)]
    clips = [id_ for id_ in fold.test for _ in range(count)]
    return _rows(data, fold, ids, clips, found.reshape(len(ids), -1))


def _as_repeat(fold: Fold, repeats: int, restart: int) -> Fold:
    """The fold with the number of the repeat that a restart counts as."""
    return replace(fold, repeat=restart * repeats + fold.repeat)


def _curve(fold: Fold, repeats: int, phase: TrainingPhase) -> pd.DataFrame:
    fold = _as_repeat(fold, repeats, phase.restart)
    curve = pd.DataFrame(phase.curve.round(PREDICTION_DIGITS), columns=CURVE_COLUMNS[-2:])
    epochs = range(1, len(curve) + 1)
    facts: dict[str, Any] = {
        "repeat": fold.repeat,
        "fold": fold.fold,
        "phase": phase.label,
        "epoch": epochs,
    }
    return curve.assign(**facts)[CURVE_COLUMNS]


def _trials(fold: Fold, result: FoldResult) -> pd.DataFrame:
    rows = [
        (t.batch_size, int(t.optimizer == "adam"), t.lr, t.objective, int(t.chosen))
        for t in result.trials
    ]
    trials = pd.DataFrame(rows, columns=TRIAL_COLUMNS[3:]).round({"objective": OBJECTIVE_DIGITS})
    numbers = range(1, len(trials) + 1)
    return trials.assign(repeat=fold.repeat, fold=fold.fold, trial=numbers)[TRIAL_COLUMNS]


def _timings(result: FoldResult) -> pd.DataFrame:
    rows = [(p.name, p.seconds, p.epochs, p.examples) for p in result.phases]
    return pd.DataFrame(rows, columns=TIMING_COLUMNS)


def _concat(tables: Sequence[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)] or [pd.DataFrame(columns=columns)]
    return pd.concat(filled, ignore_index=True)


def _collect(
    done: Sequence[tuple[Fold, FoldResult]], data: TrainingData, repeats: int
) -> CrossValidation:
    """The results of all folds in one; ``repeats`` is the number of repeats of the protocol."""
    rows, segments = [], []
    for fold, result in done:
        for restart, found in enumerate(result.predicted):
            own = _as_repeat(fold, repeats, restart)
            rows.append(_rows(data, own, fold.test, fold.test, found))
        if result.segments is not None:
            segments.append(_segment_rows(data, fold, result.segments))
    curves = [_curve(fold, repeats, phase) for fold, result in done for phase in result.phases]
    keys = [(fold.repeat, fold.fold) for fold, _ in done]
    results = [result for _, result in done]
    return CrossValidation(
        data.target.predictions(pd.concat(rows, ignore_index=True)),
        data.target.predictions(pd.concat(segments, ignore_index=True)) if segments else None,
        _concat(curves, CURVE_COLUMNS),
        _concat([_trials(fold, result) for fold, result in done], TRIAL_COLUMNS),
        {key: r.weights for key, r in zip(keys, results, strict=True) if r.weights},
        {
            key: r.selected_columns
            for key, r in zip(keys, results, strict=True)
            if r.selected_columns
        },
        _concat([_timings(result) for result in results], TIMING_COLUMNS),
        len(results[-1].predicted),
        len(done),
    )


def cross_validate(
    model: str,
    params: Any,
    data: TrainingData,
    folds: Sequence[Fold],
    *,
    seed: int,
    fidelity: str,
    profile: Profile,
    fold_map: FoldMap,
    weights: bool = True,
) -> CrossValidation:
    """Train a model on the training clips of every fold and predict the test clips.

    Parameters
    ----------
    weights : bool
        Whether to keep the weights of the first repeat.
    fold_map : callable
        ``mer.parallel.parallel_map``, or the map that ``mer.parallel.checkpointed_map`` gives. A fold whose
        result is None was not trained, and is left out.

    Raises
    ------
    MerError
        If no fold was trained.
    """
    work = partial(_train, model, params, data, fidelity, profile, seed, weights)
    results = fold_map(work, folds, label=f"train {model}", sequential=runs_sequentially(model))
    pairs = zip(folds, results, strict=True)
    done = [(fold, result) for fold, result in pairs if result is not None]
    if not done:
        raise MerError(
            f"model {model!r}: at least one fold must end in the time given, and none has"
        )
    return _collect(done, data, 1 + max(fold.repeat for fold in folds))
