"""The train stage: the selected system over all folds of its protocol."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import joblib
import numpy as np
from safetensors.numpy import load_file, save_file

from mer.errors import MerError
from mer.io.artefacts import (
    quarantined,
    read_folds,
    read_json,
    require,
    write_json,
    write_manifest,
    write_predictions,
    writing,
)
from mer.io.files import reading
from mer.learn.cross_validation import Trained, cross_validate
from mer.learn.data import TrainingData, concat_corpora, gather
from mer.parallel import checkpointed_map
from mer.schema import Block
from mer.schema.augmentation import Policy
from mer.schema.feature_selection import EVERY_COLUMN, Columns
from mer.schema.profiles import Profile
from mer.selection import Selection
from mer.types import Fold


def run(
    chosen: Selection,
    params: Block,
    policy: Policy,
    profile: Profile,
    target: Path,
    columns: Columns = EVERY_COLUMN,
    *,
    weights: bool,
    source: str | None = None,
    parent: Path | None = None,
    until: float | None = None,
) -> dict[str, float]:
    """Train and write ``data/runs/<key>``.

    ``predictions.parquet``, and where a clip's prediction comes from those of its segments, these in
    ``segments.parquet``, with ids ``<clip>#<segment>``; ``run.json``, which says of what;
    ``curves.csv``, the networks' learning curves; ``trials.csv``, those of a search; where an estimator
    chooses columns, these in ``selected.json``; with ``weights``,
    ``weights/r0_f<fold>.safetensors``, the networks of the first repeat. A killed call, made again,
    goes on at the first fold that has no result.

    Parameters
    ----------
    source : str or None
        Corpus to train on where that is not the one of the selection: its training parts, and the
        test parts of the selected one, fold by fold.
    parent : Path or None
        Run whose network, of its first fold, every training goes on from.
    until : float or None
        Time, as ``time.time()`` gives it, after which no fold is started. The run is written with the
        folds that have ended, and says under ``n_folds_planned`` how many there are; the same call, made
        again, goes on with the others.

    Returns
    -------
    dict of str to float
        How long it took, for the records: see ``timing``.

    Raises
    ------
    AbsentError
        If an input of the model, or the protocol, is absent for this corpus.
    """
    material = gather(chosen, params, policy, columns)
    folds, facts = read_folds(chosen.folds)[: profile.first], read_json(chosen.folds)
    if source:
        other = replace(chosen, dataset=source)
        material = concat_corpora(gather(other, params, policy, columns), material, source)
        folds = _crossed(read_folds(other.folds), folds, source)
    if parent:
        material = replace(material, initial=_initial(parent, material))
    described = {
        **identity(chosen, facts["protocol"], augmented=material.augmented),
        "shares_artists": facts["shares_artists"],
        "test_per_train": round(fmean(len(f.test) / len(f.train) for f in folds), 6),
        "n_quarantined": len(quarantined(chosen.folder("standard"))),
    }
    if source:
        described["source"] = source
    if parent:
        described["parent"] = parent.name
    if columns.used:
        described["columns"] = columns.used
    used = [chosen.used, params.model_dump(), profile.model_dump(), material, folds]
    with checkpointed_map(joblib.hash(used), until) as each:
        trained = cross_validate(
            chosen.model,
            params,
            material,
            folds,
            seed=chosen.seed,
            fidelity=chosen.fidelity,
            profile=profile,
            each=each,
        )
        if trained.rounds > 1:
            described["n_rounds"] = trained.rounds
        if trained.folds < len(folds):
            described["n_folds_planned"] = len(folds)
        if profile.epochs and len(trained.timings):
            described["max_epochs"] = profile.epochs
        _write(target, trained, described, weights)
    return timing(trained)


def identity(chosen: Selection, protocol: str, *, augmented: bool) -> dict[str, str | int]:
    """The selectors as a run's record has them: ``none`` for what was not used.

    Parameters
    ----------
    protocol : str
        That of the folds, which ``default`` stands for.
    """
    augment = chosen.augment if augmented else "none"
    return {**chosen.used, "augment": augment, "protocol": protocol}


def timing(trained: Trained) -> dict[str, float]:
    """Means over the trainings of a phase that says how long it took: ``<phase>_<figure>``.

    The figures are ``seconds_per_epoch``, validation included, ``epochs``, ``seconds_per_fold`` and
    ``examples_per_second``.
    """
    figures: dict[str, float] = {}
    for phase, found in trained.timings.groupby("phase"):
        sums = found[["seconds", "epochs"]].sum()
        seen = (found["epochs"] * found["examples"]).sum()
        figures[f"{phase}_seconds_per_epoch"] = round(sums["seconds"] / sums["epochs"], 3)
        figures[f"{phase}_epochs"] = round(found["epochs"].mean(), 1)
        figures[f"{phase}_seconds_per_fold"] = round(found["seconds"].mean(), 2)
        figures[f"{phase}_examples_per_second"] = round(seen / sums["seconds"], 1)
    return figures


def _crossed(sources: Sequence[Fold], targets: Sequence[Fold], name: str) -> list[Fold]:
    """The training parts of one corpus with the test parts of another."""
    return [
        Fold(test.repeat, test.fold, tuple(f"{name}/{id_}" for id_ in train.train), (), test.test)
        for train, test in zip(sources, targets, strict=False)
    ]


def _initial(parent: Path, material: TrainingData) -> dict[str, np.ndarray]:
    """The network that a run has left, for a model that can go on from it."""
    if material.signals is None:
        raise MerError(f"{parent}: only a model of whole waveforms goes on from a parent's network")
    if parent.is_dir():
        require(parent)
    path = parent / "weights" / "r0_f0.safetensors"
    with reading(path, "a network that a run with weights has left"):
        return load_file(path)


def _write(target: Path, trained: Trained, described: dict, weights: bool) -> None:
    with writing(target) as folder:
        write_manifest(folder)
        write_predictions(folder / "predictions.parquet", trained.predictions)
        if trained.segments is not None:
            write_predictions(folder / "segments.parquet", trained.segments)
        write_json(folder / "run.json", described)
        for name, table in (("curves", trained.curves), ("trials", trained.trials)):
            table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        if trained.selected:
            chosen = {
                f"r{repeat}_f{fold}": names for (repeat, fold), names in trained.selected.items()
            }
            write_json(folder / "selected.json", chosen)
        if weights:
            _write_weights(folder / "weights", trained)


def _write_weights(folder: Path, trained: Trained) -> None:
    folder.mkdir()
    for (repeat, fold), arrays in trained.weights.items():
        save_file(dict(arrays), folder / f"r{repeat}_f{fold}.safetensors")
