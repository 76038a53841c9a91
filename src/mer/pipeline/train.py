"""The train stage: the selected system is trained on all folds of its protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import joblib
import numpy as np
from safetensors.numpy import load_file, save_file

from mer import registry
from mer.contracts.trainers import STARTS_FROM_WEIGHTS
from mer.errors import MerError
from mer.io.artefacts import require, write_manifest
from mer.io.checkpoints import checkpointed_map
from mer.io.files import read_json, reading, write_json, writing
from mer.io.folds import read_folds
from mer.io.predictions import write_predictions
from mer.io.pretrained import check_finite
from mer.io.standard import quarantined
from mer.learn.cross_validation import CrossValidation, FoldMap, cross_validate, trainer_of
from mer.learn.data import TrainingData, concat_corpora, gather
from mer.learn.result import FoldResult
from mer.pipeline import code_digests, crossed_corpora
from mer.pipeline.run_record import versions
from mer.schema import Block
from mer.schema.augmentation import Policy
from mer.schema.feature_selection import EVERY_COLUMN, Columns
from mer.schema.profiles import Profile
from mer.selection import Selection
from mer.splits import mean_test_per_train
from mer.types import Fold

DIGESTS = "code.json"


def run(
    chosen: Selection,
    params: Block,
    policy: Policy,
    profile: Profile,
    out: Path,
    columns: Columns = EVERY_COLUMN,
    *,
    keep_weights: bool,
    facts: Mapping[str, Any] = MappingProxyType({}),
    source: str | None = None,
    parent: Path | None = None,
    until: float | None = None,
) -> dict[str, float]:
    """Train the selected system and write the run ``data/runs/<key>``.

    A run holds ``predictions.parquet``; ``segments.parquet`` with the predictions of segments, ids
    ``<clip>#<segment>``, where clips are cut into segments; ``run.json``, the composition of the system;
    ``curves.csv``, the learning curves of networks; ``trials.csv``, the trials of a hyperparameter search;
    ``selected.json``, the columns that estimators select; and, with ``keep_weights``,
    ``weights/r0_f<fold>.safetensors``, the networks or estimators of the first repeat, and ``code.json``,
    the digests of the code of the model. A run that another may go on from also has ``trained_on.json``,
    the digests of the recordings that its first network was trained on. The same call after a kill does
    only the trainings that have no result yet.

    Parameters
    ----------
    keep_weights : bool
        Whether to write the weights of the networks or estimators.
    facts : mapping
        Added to run.json; see ``mer.pipeline.provenance.digest``.
    source : str or None
        Corpus to train on, where that is not the corpus of the selection. The training part of each of its
        folds is combined with the test part of the same fold of the selected corpus.
    parent : Path or None
        Run whose network, of its first fold, is the start of every training.
    until : float or None
        Time, as ``time.time()`` returns it, after which no training is started. If every fold
        ended at least once, the run holds the complete restarts and ``n_restarts_planned``; otherwise the
        folds that ended and ``n_folds_planned``. The same call, made again, does the other trainings.

    Returns
    -------
    dict of str to float
        Durations, see ``timing``.

    Raises
    ------
    AbsentError
        If an input of the model, or the protocol, is absent for this corpus.
    """
    # Of the code before an edit during the training.
    kept: dict[str, Any] | None = (
        {DIGESTS: code_digests.of_model(chosen.model)} if keep_weights else None
    )
    data = gather(chosen, params, policy, columns)
    folds, division = read_folds(chosen.folds)[: profile.max_folds], read_json(chosen.folds)
    if source:
        other = replace(chosen, dataset=source)
        data = concat_corpora(gather(other, params, policy, columns), data, source)
        folds = crossed_corpora.crossed(other, chosen, folds)
        division["shares_artists"] = crossed_corpora.shares_artists(other, chosen, folds)
    if parent:
        data = replace(data, initial_weights=_initial_weights(parent, data))
    if registry.get("models", chosen.model).trainer in STARTS_FROM_WEIGHTS:
        seen = _recordings_seen(chosen, source, parent, folds)
        kept = {**kept, crossed_corpora.TRAINED_ON: seen} if kept else None
    record = {
        **recorded_selectors(chosen, division["protocol"], augmented=data.is_augmented),
        "shares_artists": division["shares_artists"],
        "test_per_train": mean_test_per_train(folds),
        "n_quarantined": int(quarantined(chosen.folder("standard"))["path"].nunique()),
        **facts,
    }
    optional = {
        "source": source,
        "parent": parent.name if parent else None,
        "columns": columns.used,
    }
    record |= {key: value for key, value in optional.items() if value}
    settings = params.model_dump(), profile.model_dump(), _arithmetic(chosen.model)
    used = [chosen.used, settings, versions(), data, folds, keep_weights]
    with checkpointed_map(joblib.hash(used), FoldResult, until) as fold_map:
        results = _cross_validate(chosen, params, profile, data, folds, fold_map, keep_weights)
        record |= _counts(results, len(folds), profile, params)
        _write(out, results, record, kept)
    return timing(results)


def _recordings_seen(
    chosen: Selection, source: str | None, parent: Path | None, folds: Sequence[Fold]
) -> list[str]:
    """The digests of what the network of the first fold has been trained on, by parents too.

    Raises
    ------
    MerError
        If the network of the parent was trained on a test clip.
    """
    if source:
        digests = crossed_corpora.digests_of_both(replace(chosen, dataset=source), chosen)
    else:
        digests = crossed_corpora.digests(chosen)
    if parent:
        crossed_corpora.check_parent(parent, folds, digests)
    return crossed_corpora.known_digests(folds[0], digests, parent)


def _counts(
    results: CrossValidation, n_folds: int, profile: Profile, params: Block
) -> dict[str, int]:
    """The entries of the record for the number of trainings and a limit of their epochs."""
    planned = profile.restarts(params)
    figures = {
        "n_restarts": results.restarts if results.restarts > 1 else None,
        "n_folds_planned": n_folds if results.n_folds < n_folds else None,
        "n_restarts_planned": planned if results.restarts < planned else None,
        "max_epochs": profile.max_epochs if len(results.timings) else None,
    }
    return {name: figure for name, figure in figures.items() if figure}


def _arithmetic(model: str) -> tuple[str, str, bool] | None:
    """The arithmetic of the networks of a model, or None; a run does not continue under another."""
    if not trainer_of(model).uses_device:
        return None
    from mer.runtime.device import arithmetic, device  # which import torch

    return arithmetic(device())


def _cross_validate(
    chosen: Selection,
    params: Block,
    profile: Profile,
    data: TrainingData,
    folds: Sequence[Fold],
    fold_map: FoldMap,
    keep_weights: bool,
) -> CrossValidation:
    return cross_validate(
        chosen.model,
        params,
        data,
        folds,
        seed=chosen.seed,
        fidelity=chosen.fidelity,
        profile=profile,
        fold_map=fold_map,
        keep_weights=keep_weights,
    )


def recorded_selectors(
    chosen: Selection, protocol: str, *, augmented: bool
) -> dict[str, str | int]:
    """The selectors in the record of a run, ``none`` for one that was not used.

    Parameters
    ----------
    protocol : str
        The protocol of the folds, where the selection says ``default``.
    augmented : bool
        Whether the training used the augmentation policy.
    """
    augment = chosen.augment if augmented else "none"
    return {**chosen.used, "augment": augment, "protocol": protocol}


def timing(results: CrossValidation) -> dict[str, float]:
    """Durations of each phase of the training, as ``<phase>_<figure>``: means over its trainings.

    The figures are ``seconds_per_epoch``, validation included, ``epochs``, ``seconds_per_fold`` and
    ``examples_per_second``.
    """
    figures: dict[str, float] = {}
    for phase, trainings in results.timings.groupby("phase"):
        sums = trainings[["seconds", "epochs"]].sum()
        examples = (trainings["epochs"] * trainings["examples"]).sum()
        figures[f"{phase}_seconds_per_epoch"] = round(sums["seconds"] / sums["epochs"], 3)
        figures[f"{phase}_epochs"] = round(trainings["epochs"].mean(), 1)
        figures[f"{phase}_seconds_per_fold"] = round(trainings["seconds"].mean(), 2)
        figures[f"{phase}_examples_per_second"] = round(examples / sums["seconds"], 1)
    return figures


def _initial_weights(parent: Path, data: TrainingData) -> dict[str, np.ndarray]:
    """The network of a run, for a model whose training can start from it."""
    if data.waveforms is None:
        raise MerError(
            f"{parent}: a model must read whole waveforms to start from a parent's network, and this one "
            "does not; leave out the parent"
        )
    if parent.is_dir():
        require(parent)
    path = parent / "weights" / "r0_f0.safetensors"
    with reading(path, "a network that a run with weights has left"):
        weights = load_file(path)
    check_finite(weights, path)
    return weights


def _write(
    out: Path, results: CrossValidation, record: dict, kept: Mapping[str, Any] | None
) -> None:
    """Write a run; its weights, with the files that describe them, unless ``kept`` is None."""
    with writing(out) as folder:
        write_manifest(folder)
        write_predictions(folder / "predictions.parquet", results.predictions)
        if results.segments is not None:
            write_predictions(folder / "segments.parquet", results.segments)
        write_json(folder / "run.json", record)
        for name, table in (("curves", results.curves), ("trials", results.trials)):
            table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        if results.selected_columns:
            selected = {
                f"r{repeat}_f{fold}": list(names)
                for (repeat, fold), names in results.selected_columns.items()
            }
            write_json(folder / "selected.json", selected)
        if kept is not None:
            for name, content in kept.items():
                write_json(folder / name, content)
            _write_weights(folder / "weights", results)


def _write_weights(folder: Path, results: CrossValidation) -> None:
    folder.mkdir()
    for (repeat, fold), arrays in results.weights.items():
        save_file(dict(arrays), folder / f"r{repeat}_f{fold}.safetensors")
