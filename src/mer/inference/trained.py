"""The selected system of a project as a ``System``: from ``data/runs/selected``, or another run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from safetensors.numpy import load_file

from mer import config, registry
from mer.errors import MerError
from mer.inference.description import Calibration, Description
from mer.inference.inputs import families
from mer.inference.system import Arrays, System
from mer.io import artefacts
from mer.io.files import read_json, read_mapping, reading
from mer.io.folds import read_folds
from mer.io.predictions import read_predictions
from mer.io.pretrained import check_finite
from mer.io.standard import Standard
from mer.learn import out_of_distribution
from mer.learn.calibration import COVERAGE, conformal_threshold, fit_temperature, tempered
from mer.learn.data import TrainingData, gather
from mer.pipeline import code_digests, prepared, provenance, train
from mer.predictions import Predictions
from mer.schema.augmentation import Policy
from mer.schema.feature_selection import Columns
from mer.schema.profiles import Profile
from mer.selection import Selection, selected
from mer.targets.values import Values
from mer.types import Fold

SELECTED = Path("data/runs/selected")
DEMO = (
    "trained on rendered demo pieces: its answers say nothing about music; train on a corpus of "
    "recordings, or leave out --system"
)


def of_run(run: Path = SELECTED, chosen: Selection | None = None) -> System:
    """Build a ``System`` from the stored networks or estimators of a run.

    Parameters
    ----------
    run : Path
        ``data/runs/<key>``.
    chosen : Selection or None
        None for that of params.yaml.

    Raises
    ------
    MerError
        If there is no run, it is a run of another selection or of other parameters, it has no weights, or
        the system cannot predict songs.
    """
    chosen, (columns,) = chosen or selected(), config.read("columns")
    params, policy, profile = chosen.blocks()
    record = _record(run)
    used = {k: v for k, v in chosen.used.items() if k not in ("protocol", "augment")}
    _compare(run, record, used | {"columns": columns.used, "source": None})
    _check_predictable(chosen, policy, columns)
    reads = [r for r in registry.get("models", chosen.model).reads if r == "table"]
    whole = gather(chosen, params, policy, reads=reads)
    known = whole.narrowed(chosen.family, columns)
    protocol = read_json(chosen.folds).get("protocol")
    _compare(run, record, train.recorded_selectors(chosen, protocol, augmented=known.is_augmented))
    _compare(run, record, provenance.digest(chosen, columns=columns))
    folds = _folds(chosen, profile, run)
    members = [_weights(run, fold) for fold in folds]
    _check_code(run, chosen.model)
    changes: dict[str, Any] = {"calibration": _calibration(run)}
    clips: Arrays = {}
    if whole.table:
        rows = whole.table.values  # of all columns, which a song has
        clips = out_of_distribution.fit(rows)
        changes["distance_limit"] = out_of_distribution.distance_limit(rows)
    with _describable(chosen.dataset):
        about = _description(chosen, params, profile, columns, known, folds)
    _check_prepared(chosen, about)
    found = System(about.model_copy(update=changes), members, clips, run)
    return replace(found, about=found.about.model_copy(update={"code": found.present_code}))


def _record(run: Path) -> dict[str, Any]:
    """The record of a run; raise if there is no run."""
    if (run / artefacts.MANIFEST).exists() and (reason := artefacts.absent(run)):
        raise MerError(f"{run} must hold a trained run, and is absent: {reason}")
    if not (run / "run.json").exists():
        from mer.pipeline import dvc_locks  # which needs DVC

        busy = dvc_locks.writer(run)
        remedy = (
            f"process {busy} is making it; wait for its end" if busy else "make it with `dvc repro`"
        )
        raise MerError(f"{run} must hold a trained run, and there is none; {remedy}")
    return {"columns": {}, "source": None, **read_mapping(run / "run.json")}


def _calibration(run: Path) -> Calibration | None:
    """The calibration by the predictions of a run; None of values."""
    predictions = read_predictions(run / "predictions.parquet")
    return calibrated(predictions) if isinstance(predictions, Predictions) else None


def _check_code(run: Path, model: str) -> None:
    """Raise if the code of the model has changed since a run; `dvc repro` keeps features up to date."""
    path = run / train.DIGESTS
    if not path.exists():
        raise MerError(
            f"{run} must hold {train.DIGESTS}, the digests of its code, and was trained by a version of "
            "mer that wrote none; run `dvc repro`"
        )
    if other := code_digests.differing_files(read_mapping(path), code_digests.of_model(model)):
        raise MerError(
            f"{run} must be a run of the code that is here, and {code_digests.named(other)} changed "
            "since; run `dvc repro`"
        )


def calibrated(predictions: Predictions) -> Calibration:
    """The calibration by the predictions of test clips."""
    raw, y_true = predictions.probabilities, predictions.y_true
    temperature = fit_temperature(raw, y_true)
    threshold = conformal_threshold(tempered(raw, temperature), y_true)
    return Calibration(temperature=temperature, threshold=threshold, coverage=COVERAGE)


@contextmanager
def _describable(dataset: str) -> Iterator[None]:
    """Say of a corpus that no system can be described with its classes or the length of its clips."""
    try:
        yield
    except ValidationError as error:
        fault = error.errors()[0]
        raise MerError(
            f"the corpus {dataset!r} must allow the description of a system, and its {fault['loc'][0]} do "
            f"not ({fault['msg']}); correct its labels or its clips"
        ) from error


def _description(
    chosen: Selection,
    params: Any,
    profile: Profile,
    columns: Columns,
    known: TrainingData,
    folds: list[Fold],
) -> Description:
    """The description of a run, without its calibration."""
    reads = registry.get("models", chosen.model).reads
    corpus, demos = config.read(f"corpora.{chosen.dataset}", "demos")
    (view,) = config.read(f"views.{chosen.view}")
    ranked = None
    if known.table and columns.used:
        tables = [known.with_ranked_columns(fold).table for fold in folds]
        ranked = tuple(table.names for table in tables if table)
    return Description(
        title=f"model={chosen.model} dataset={chosen.dataset} profile={chosen.profile}",
        model=chosen.model,
        params=params.model_dump(mode="json"),
        fidelity=chosen.fidelity,
        profile=profile,
        target=chosen.target,
        outputs=known.target.names,
        scale=known.target.scale if isinstance(known.target, Values) else None,
        dataset=chosen.dataset,
        warning=DEMO if chosen.dataset in demos else None,
        sample_rate=corpus.sample_rate,
        peak_db=corpus.peak_db,
        seconds=seconds_of_clips(chosen.folder("standard")),
        view=view if "spectrogram" in reads else None,
        features=families(chosen.family) if "table" in reads else None,
        columns=ranked,
        calibration=None,
        distance_limit=None,
        members=len(folds),
    )


def seconds_of_clips(standard: Path) -> float:
    """The median length of the clips of a corpus in seconds."""
    corpus = Standard.read(standard)
    return float(np.median(corpus.lengths)) / corpus.sample_rate


def _compare(run: Path, record: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise if the run is of another system than the selected one."""
    other = {key: record.get(key) for key, value in wanted.items() if record.get(key) != value}
    if other:
        says = ", ".join(f"{key}={value}" for key, value in other.items())
        here = ", ".join(f"{key}={wanted[key]}" for key in other)
        raise MerError(
            f"{run} must be a run of the selection of params.yaml ({here}), and is a run of {says}; "
            "run `dvc repro` (`dvc repro -f -s train` where that runs nothing), or select that system"
        )


def _check_predictable(chosen: Selection, policy: Policy, columns: Columns) -> None:
    """Raise for systems that cannot predict songs without labels."""
    module = registry.get("models", chosen.model)
    if "table" in module.reads:
        families(chosen.family)
    if "table" in module.reads and chosen.fidelity == "released":
        raise MerError(
            f"fidelity=released lets model {chosen.model!r} scale the features of all clips together, so "
            "the prediction of a song would depend on the other songs; select fidelity=described"
        )
    if policy.leak != "none":
        raise MerError(
            f"augment={chosen.augment} is a diagnostic that trains on test clips (leak="
            f"{policy.leak}), and songs have no labels to leak; select another policy"
        )
    if columns.leaks:
        raise MerError(
            f"columns.leak={columns.leak} is a diagnostic that ranks columns on test clips, too, and songs "
            "have no labels to leak; set it to none"
        )
    if "spectrogram" in module.reads:
        (view,) = config.read(f"views.{chosen.view}")
        if view.frames is None:
            raise MerError(
                f"view={chosen.view} keeps each clip's own length (seconds: null), and songs need "
                "a fixed one; select another view"
            )


def _check_prepared(chosen: Selection, about: Description) -> None:
    """Raise if the corpus was prepared by other params, or another machine, than songs will be."""
    if about.view:
        prepared.require_view(chosen.folder("mel"), about.view)
    for name in about.features.params if about.features else ():
        (params,) = config.read(f"families.{name}")
        source = {"source": "extracted", "family": name, "params": params.model_dump_json()}
        source |= registry.get("features", name).versions()  # type: ignore[attr-defined]
        folder = replace(chosen, family=name).folder("features")
        prepared.require_same(folder, prepared.recorded(folder, "source"), source)


def _folds(chosen: Selection, profile: Profile, run: Path) -> list[Fold]:
    """The folds of the first repeat, which must be those that the run was tested on."""
    folds = read_folds(chosen.folds)[: profile.max_folds]
    frame = read_predictions(run / "predictions.parquet").frame.query("repeat == 0")
    tested = frame.groupby("fold")["id"].agg(set).to_dict()
    found = [fold for fold in folds if fold.repeat == 0]
    if any(tested.get(fold.fold) != set(fold.test) for fold in found):
        raise MerError(
            f"{run} must be of the folds in {chosen.folds}, and is of others; run `dvc repro`"
        )
    return found


def _weights(run: Path, fold: Fold) -> Arrays:
    """The network or estimator of a fold."""
    path = run / "weights" / f"r0_f{fold.fold}.safetensors"
    if not path.exists():
        raise MerError(
            f"{path} must hold the network or estimator of that fold, and there is none: this run keeps no "
            "weights; `dvc repro` makes one that does, data/runs/selected, unless the stage `train` warns "
            "that the estimator cannot be stored"
        )
    with reading(path, "the weights that a run has stored"):
        weights = load_file(path)
    check_finite(weights, path)
    return weights
