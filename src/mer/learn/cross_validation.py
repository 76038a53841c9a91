"""Cross-validation: a model is trained on every fold of a protocol and predicts its test clips.

``mer.contracts.interfaces.Trainer`` says how a fold is trained, ``mer.learn.result.FoldResult`` what a
training returns. Each restart of a fold is a training of its own and counts as a repeat of the protocol.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mer import registry
from mer.errors import MerError, NoTrainingEnded
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.result import FoldResult, TrainingPhase
from mer.predictions import AnyPredictions
from mer.schema.profiles import Profile
from mer.types import Fold, part_ids

if TYPE_CHECKING:
    from mer.contracts.interfaces import Trainer

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
        Weights of the networks or estimators of the first restart of the first repeat, if they were asked
        for.
    selected_columns : mapping of (repeat, fold) to sequence of str
        Columns that the estimators select, where they select any.
    timings : pd.DataFrame
        ``phase, seconds, epochs, examples`` of every training; they differ from run to run.
    restarts : int
        Trainings of each fold; repeat ``r`` of the predictions is of restart ``r // repeats``. Fewer than
        the model has where the time was up before.
    n_folds : int
        Folds that were trained: all of them, unless the time was up before the first restart of each.
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
    keep_weights: bool,
    training: tuple[Fold, int],
) -> FoldResult:
    """The result of one restart of a fold; only the first one of the first repeat keeps its weights."""
    fold, restart = training
    if len(known := {data.labels[id_] for id_ in fold.train}) < 2:
        raise MerError(
            f"fold {fold.fold} of repeat {fold.repeat} must have training clips of at least two classes "
            f"or values, not of {', '.join(map(data.target.text, known))} alone; label songs of other "
            "classes, or take another protocol or target"
        )
    module, keep = registry.get("models", model), keep_weights and fold.repeat == restart == 0
    context = FoldContext(
        module,
        params,
        fold,
        fold_seed(seed, fold),
        fidelity,
        profile,
        restart=restart,
        keeps_weights=keep,
    )
    result = trainer_of(model).fit_predict(context, data.with_ranked_columns(fold))
    _check(model, data, fold, result.predicted)
    return result if keep else replace(result, weights={})


def _check(model: str, data: TrainingData, fold: Fold, predicted: np.ndarray) -> None:
    """Raise a ``MerError`` if the predictions of a fold have another shape, or are not finite."""
    which = f"the predictions of model {model!r} in fold {fold.fold} of repeat {fold.repeat}"
    wanted = (len(fold.test), data.target.outputs)
    if predicted.shape != wanted:
        raise MerError(
            f"{which} must have the shape {wanted}, a row per test clip and a column per output, and have "
            f"{predicted.shape}; let `build` make as many outputs as its argument `outputs` says"
        )
    if not np.isfinite(predicted).all():
        raise MerError(
            f"{which} must be finite, and some are not; lower the lr of a training that diverged, or "
            "correct `build` of the model"
        )


def prediction_rows(
    data: TrainingData, fold: Fold, ids: Sequence[str], clips: Sequence[str], found: np.ndarray
) -> pd.DataFrame:
    """The rows of a table of predictions for ``ids``, test clips of a fold or their segments.

    Parameters
    ----------
    clips : sequence of str
        The clip of each id, whose label it has.
    found : np.ndarray [shape=(len(ids), outputs)]
    """
    test, train = ([data.labels[clip] for clip in side] for side in (clips, fold.train))
    columns = data.target.columns(found.round(PREDICTION_DIGITS).astype(float), test, train)
    facts = {"id": list(ids), "repeat": fold.repeat, "fold": fold.fold}
    return pd.DataFrame({**facts, **columns})


def _segment_rows(data: TrainingData, fold: Fold, found: np.ndarray) -> pd.DataFrame:
    """Rows of segments, from their predictions [shape=(n, segments, outputs)]."""
    count = found.shape[1]
    ids = [part for id_ in fold.test for part in part_ids(id_, count)]
    clips = [id_ for id_ in fold.test for _ in range(count)]
    return prediction_rows(data, fold, ids, clips, found.reshape(len(ids), -1))


def _curve(fold: Fold, phase: TrainingPhase) -> pd.DataFrame:
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


def _whole_restarts(
    folds: Sequence[Fold], results: Sequence[FoldResult | None]
) -> list[tuple[Fold, int, FoldResult]]:
    """The trainings that count, with the number of their restart, fold by fold.

    They are those of the restarts that all folds have, or else the folds that have their first restart.

    Parameters
    ----------
    results : sequence of FoldResult or None
        Of the first restart of every fold, then of the second, and so on; None for a missing training.
    """
    restarts = [results[n : n + len(folds)] for n in range(0, len(results), len(folds))]
    whole = [*takewhile(lambda restart: None not in restart, restarts)] or restarts[:1]
    return [
        (fold, number, result)
        for fold, of_fold in zip(folds, zip(*whole, strict=True), strict=True)
        for number, result in enumerate(of_fold)
        if result is not None
    ]


def _collect(
    done: Sequence[tuple[Fold, int, FoldResult]], data: TrainingData, repeats: int
) -> CrossValidation:
    """The results of all trainings in one; ``repeats`` is the number of repeats of the protocol."""
    counted = [
        (replace(fold, repeat=restart * repeats + fold.repeat), r) for fold, restart, r in done
    ]
    first = {(fold.repeat, fold.fold): result for fold, restart, result in done if restart == 0}
    rows = [prediction_rows(data, fold, fold.test, fold.test, r.predicted) for fold, r in counted]
    segments = [
        _segment_rows(data, fold, r.segments) for fold, r in counted if r.segments is not None
    ]
    return CrossValidation(
        data.target.predictions(pd.concat(rows, ignore_index=True)),
        data.target.predictions(pd.concat(segments, ignore_index=True)) if segments else None,
        _concat([_curve(fold, phase) for fold, r in counted for phase in r.phases], CURVE_COLUMNS),
        _concat([_trials(fold, result) for fold, result in counted], TRIAL_COLUMNS),
        {key: result.weights for key, result in first.items() if result.weights},
        {key: r.selected_columns for key, r in first.items() if r.selected_columns},
        _concat([_timings(result) for _, result in counted], TIMING_COLUMNS),
        1 + max(restart for _, restart, _ in done),
        len(first),
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
    keep_weights: bool = True,
) -> CrossValidation:
    """Train a model on the training clips of every fold and predict the test clips.

    Parameters
    ----------
    keep_weights : bool
        Whether to keep the weights of the first restart of the first repeat.
    fold_map : callable
        ``mer.runtime.parallel.parallel_map``, or the map that ``mer.io.checkpoints.checkpointed_map``
        gives, which returns None for a training for which the time was short. All folds are trained once
        before any is restarted. If the time runs out, a restart counts only if every fold has it. Of the
        first restart, the folds that ended count.

    Raises
    ------
    NoTrainingEnded
        If no fold was trained.
    """
    work = partial(_train, model, params, data, fidelity, profile, seed, keep_weights)
    trainings = [(fold, number) for number in range(profile.restarts(params)) for fold in folds]
    one_by_one = runs_sequentially(model)
    results = list(fold_map(work, trainings, label=f"train {model}", sequential=one_by_one))
    done = _whole_restarts(folds, results)
    if not done:
        raise NoTrainingEnded(
            f"model {model!r}: at least one fold must end in the time given, and none has; give more time"
        )
    return _collect(done, data, 1 + max(fold.repeat for fold in folds))
