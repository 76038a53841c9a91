"""The selected system, loaded from a run for inference on songs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file

from mer import config, registry
from mer.errors import MerError
from mer.inference import songs
from mer.io import artefacts
from mer.io.files import read_json, reading
from mer.learn.cross_validation import trainer_of
from mer.learn.data import TrainingData, gather
from mer.pipeline import train
from mer.schema.augmentation import Policy
from mer.schema.feature_selection import Columns
from mer.schema.profiles import Profile
from mer.selection import Selection, selected
from mer.types import Fold

if TYPE_CHECKING:
    from mer.contracts import Model

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class System:
    """The selection of params.yaml, trained.

    Attributes
    ----------
    chosen : Selection
    params, profile, columns : the blocks of the selection
    known : TrainingData
        The labels of the corpus, and the inputs that inference needs.
    members : sequence of (Fold, mapping of str to np.ndarray)
        The folds of the first repeat with the weights of their networks; the weights of an estimator are
        empty, because it is fitted again.
    run : Path
    """

    chosen: Selection
    params: Any
    profile: Profile
    columns: Columns
    known: TrainingData
    members: Sequence[tuple[Fold, Weights]]
    run: Path

    @property
    def model(self) -> "Model":
        """The module of the model."""
        return registry.get("models", self.chosen.model)


def _compare(run: Path, record: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise if the run is of another system than the selected one."""
    other = {key: record.get(key) for key, value in wanted.items() if record.get(key) != value}
    if other:
        says = ", ".join(f"{key}={value}" for key, value in other.items())
        here = ", ".join(f"{key}={wanted[key]}" for key in other)
        raise MerError(
            f"{run} must be a run of the selection of params.yaml ({here}), and is a run of {says}; "
            "run `dvc repro`, or select that system"
        )


def _check_predictable(chosen: Selection, policy: Policy) -> None:
    """Raise for systems that cannot predict songs without labels."""
    module = registry.get("models", chosen.model)
    if "table" in module.reads:
        songs.extractable(chosen.family)
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
    if "spectrogram" in module.reads:
        (view,) = config.read(f"views.{chosen.view}")
        if view.frames is None:
            raise MerError(
                f"view={chosen.view} keeps each clip's own length (seconds: null), and songs need "
                "a fixed one; select another view"
            )


def _members(chosen: Selection, profile: Profile, run: Path) -> list[tuple[Fold, Weights]]:
    folds = artefacts.read_folds(chosen.folds)[: profile.max_folds]
    frame = artefacts.read_predictions(run / "predictions.parquet").frame.query("repeat == 0")
    tested = frame.groupby("fold")["id"].agg(set).to_dict()
    members: list[tuple[Fold, Weights]] = []
    for fold in (fold for fold in folds if fold.repeat == 0):
        if tested.get(fold.fold) != set(fold.test):
            raise MerError(
                f"{run} must be of the folds in {chosen.folds}, and is of others; run `dvc repro`"
            )
        weights: Weights = {}
        if trainer_of(chosen.model).uses_device:
            path = run / "weights" / f"r0_f{fold.fold}.safetensors"
            if not path.exists():
                raise MerError(
                    f"{path} must hold the network of that fold, and there is none: this run keeps no "
                    "weights; `dvc repro` makes one that does, data/runs/selected"
                )
            with reading(path, "the weights of a network that a run has stored"):
                weights = load_file(path)
        members.append((fold, weights))
    return members


def load(run: Path) -> System:
    """Load the system that params.yaml selects from a run.

    Parameters
    ----------
    run : Path
        ``data/runs/<key>``.

    Raises
    ------
    MerError
        If there is no run, it is a run of another selection, it has no weights, or the system cannot
        predict songs.
    """
    chosen, (columns,) = selected(), config.read("columns")
    params, policy, profile = chosen.blocks()
    if (run / artefacts.MANIFEST).exists() and (reason := artefacts.absent(run)):
        raise MerError(f"{run} must hold a trained run, and is absent: {reason}")
    if not (run / "run.json").exists():
        raise MerError(
            f"{run} must hold a trained run, and there is none; make it with `dvc repro`"
        )
    record = {"columns": {}, "source": None, **read_json(run / "run.json")}
    used = {k: v for k, v in chosen.used.items() if k not in ("protocol", "augment")}
    _compare(run, record, used | {"columns": columns.used, "source": None})
    protocol = read_json(chosen.folds).get("protocol")
    _check_predictable(chosen, policy)
    known = gather(chosen, params, policy, columns, _reads(chosen.model))
    _compare(run, record, train.identity(chosen, protocol, augmented=known.is_augmented))
    members = _members(chosen, profile, run)
    return System(chosen, params, profile, columns, known, members, run)


def _reads(model: str) -> list[str]:
    """The inputs of training clips that inference needs."""
    reads = registry.get("models", model).reads
    return [name for name in trainer_of(model).predict_reads if name in reads]
