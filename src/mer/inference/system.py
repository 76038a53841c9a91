"""A trained system that answers for clips in memory, and its form on disk.

The folder of a system holds ``system.json``, which describes it; ``member_<n>.safetensors``, the weights of
each of its networks or estimators, whose probabilities are averaged; and, where the model reads a table,
``clips.safetensors``, what ``mer.learn.out_of_distribution`` knows of the training clips. Nothing in it is
code.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from mer import config, registry
from mer.errors import MerError
from mer.inference.description import Description
from mer.inference.inputs import inputs
from mer.io.files import write_json, writing
from mer.learn import out_of_distribution
from mer.learn.calibration import tempered
from mer.learn.context import FittedFold
from mer.learn.cross_validation import trainer_of
from mer.pipeline import code_digests
from mer.targets.classes import Classes
from mer.targets.target import Target
from mer.targets.values import Values
from mer.types import Clip, FeatureTable, Fold

if TYPE_CHECKING:
    from mer.contracts.interfaces import Model

DESCRIPTION, CLIPS = "system.json", "clips.safetensors"
CARD = "README.md"  # which a shipped system has beside its own files
OWN = re.compile(rf"{DESCRIPTION}|{CLIPS}|{CARD}|member_\d+\.safetensors")
LARGEST = 2**30  # bytes of a file of a system
REMEDY = "copy the folder again"
OTHER_CODE = (
    "this system fits other code than is installed ({} changed), and its answers can be wrong; use {}, or "
    "train and export it again"
)
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class System:
    """A trained system.

    Attributes
    ----------
    about : Description
    members : sequence of mapping of str to np.ndarray
        Arrays of the networks or estimators.
    training_clips : mapping of str to np.ndarray
        ``mer.learn.out_of_distribution.fit`` of their table; empty without a table.
    place : Path or None
        The folder or the run that it was read from.
    """

    about: Description
    members: Sequence[Arrays]
    training_clips: Arrays
    place: Path | None = None

    @cached_property
    def target(self) -> Target:
        """The target that the system predicts."""
        about = self.about
        return Values(about.outputs, about.scale) if about.scale else Classes(about.outputs)

    @cached_property
    def warning(self) -> str | None:
        """The warning that every answer must carry; None for none."""
        return "; ".join(filter(None, (self.about.warning, self._other_code()))) or None

    def _other_code(self) -> str | None:
        """The warning that other code is installed than the weights fit; None if that is not so."""
        if not self.about.code:
            return None
        exporter = "the version of mer that exported it"
        if self.about.commit:
            exporter += f" (commit {self.about.commit})"
        other = code_digests.differing_files(self.about.code, self.present_code)
        return OTHER_CODE.format(code_digests.named(other), exporter) if other else None

    @property
    def present_code(self) -> dict[str, str]:
        """The digests of the code that is installed, for this system."""
        features = self.about.features
        return code_digests.digests(self.about.model, features.params if features else ())

    @cached_property
    def model(self) -> "Model":
        """The module of the model."""
        return registry.get("models", self.about.model)

    @cached_property
    def params(self) -> Any:
        """The parameters of the model."""
        return config.check_block("models", self.about.model, self.about.params)

    def answer(self, clips: Sequence[Clip]) -> tuple[np.ndarray, np.ndarray]:
        """Answers for clips, and how far out of the training distribution each clip lies.

        Returns
        -------
        found : np.ndarray [shape=(n, outputs)]
            Calibrated probabilities of the classes, or values.
        ood_scores : np.ndarray [shape=(n,)]
            Distance from the training clips, divided by ``distance_limit`` of the description: above 1, a
            clip is out of distribution. NaN for a model that reads no table.

        Raises
        ------
        MerError
            If the answers are not finite, or the arrays of a system that was read from a folder do not fit
            its description.
        """
        with _refusing_other_arrays(self.place):
            return self._answer(clips)

    def _answer(self, clips: Sequence[Clip]) -> tuple[np.ndarray, np.ndarray]:
        about = self.about
        data = inputs(
            clips,
            self.params,
            self.model.reads,
            self.target,
            view=about.view,
            features=about.features,
        )
        ids = tuple(clip.id for clip in clips)
        trainer, found = trainer_of(about.model), []
        for number, weights in enumerate(self.members):
            kept = FittedFold(
                self.model,
                self.params,
                Fold(0, number, ("training clips",), (), ids),
                0,
                about.fidelity,
                about.profile,
                weights,
            )
            found.append(trainer.predict(kept, data.with_columns(self._columns(number)), ids))
            if found[-1].shape[1:] != (self.target.outputs,):
                raise ValueError(f"answers of the shape {found[-1].shape}")
        mean = np.mean(found, axis=0)
        if not np.isfinite(mean).all():
            raise MerError(
                f"answers must be finite, and model {about.model!r} gives NaN or infinity: its weights are "
                "damaged or its training diverged; train again"
            )
        if about.calibration:
            mean = tempered(mean, about.calibration.temperature)
        return mean, self._ood_scores(data.table, len(ids))

    def _columns(self, member: int) -> Sequence[str] | None:
        return self.about.columns[member] if self.about.columns else None

    def _ood_scores(self, table: FeatureTable | None, count: int) -> np.ndarray:
        limit = self.about.distance_limit
        if table is None or limit is None:
            return np.full(count, np.nan)
        return out_of_distribution.distances(table.values, self.training_clips) / limit


@contextmanager
def _refusing_other_arrays(place: Path | None) -> Iterator[None]:
    """Say of a system from a folder or a run, which can be damaged, that its arrays do not fit."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if place is None:
            raise
        remedy = REMEDY if (place / DESCRIPTION).exists() else "run `dvc repro`"
        raise MerError(
            f"{place} must hold arrays that fit its description, and they do not "
            f"({type(error).__name__}: {error}); {remedy}"
        ) from error


def _files(system: System) -> dict[str, bytes]:
    """The files of a system beside its description."""
    files = {f"member_{n}.safetensors": save(_ordered(m)) for n, m in enumerate(system.members)}
    if system.training_clips:
        files[CLIPS] = save(_ordered(system.training_clips))
    return files


def digest(system: System) -> str:
    """A digest of everything that decides the answers of a system, such as the seed of its training."""
    contents = (system.about.model_dump_json().encode(), *_files(system).values())
    return hashlib.sha256(b"".join(contents)).hexdigest()


def require_own(folder: Path) -> None:
    """Refuse a folder whose other files would be lost under those of a system.

    Raises
    ------
    MerError
        Naming a file that is none of a system's.
    """
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if others := [name for name in names if not OWN.fullmatch(name)]:
        raise MerError(
            f"{folder} must hold nothing but the files of a system, which are replaced, and holds "
            f"{others[0]!r}; move it, or choose another folder"
        )


def write(system: System, folder: Path) -> None:
    """Write the folder of a system, whole or not at all; a ``README.md`` in it stays.

    Raises
    ------
    MerError
        If the folder holds other files.
    """
    require_own(folder)
    files = _files(system)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    about = system.about.model_copy(update={"sha256": digests})
    with writing(folder) as new:
        for name, content in files.items():
            (new / name).write_bytes(content)
        if (folder / CARD).is_file():
            shutil.copy2(folder / CARD, new / CARD)
        write_json(new / DESCRIPTION, about.model_dump(mode="json"))


def _ordered(arrays: Arrays) -> dict[str, np.ndarray]:
    return {name: np.asarray(array, order="C") for name, array in arrays.items()}


def read(folder: Path) -> System:
    """Read the folder of a system, which need not be trusted.

    Raises
    ------
    MerError
        If a file is missing, too large, damaged or not the one that ``system.json`` describes, or that
        describes no model with all that it reads.
    """
    try:
        content = json.loads(_content(folder / DESCRIPTION))
        about = Description.model_validate(content)
    except (ValueError, RecursionError) as error:
        fault = str(error).splitlines()[-2 if isinstance(error, ValidationError) else 0].strip()
        raise MerError(
            f"{folder / DESCRIPTION} must describe a system ({fault}); {REMEDY}"
        ) from error
    _check(about, folder / DESCRIPTION)
    names = [f"member_{number}.safetensors" for number in range(about.members)]
    members = [_arrays(folder / name, about.sha256.get(name)) for name in names]
    known = _arrays(folder / CLIPS, about.sha256[CLIPS]) if CLIPS in about.sha256 else {}
    return System(about, members, known, folder)


def _check(about: Description, path: Path) -> None:
    """Raise a ``MerError`` if a description lacks what its model reads, or its parts contradict."""
    reads = registry.get("models", about.model).reads
    config.check_block("models", about.model, about.params, path)
    lacking = {
        "features": "table" in reads and about.features is None,
        "view": "spectrogram" in reads and (about.view is None or about.view.frames is None),
        CLIPS: about.distance_limit is not None and CLIPS not in about.sha256,
        "columns of each member": about.columns is not None and len(about.columns) != about.members,
    }
    if missing := [name for name, lacks in lacking.items() if lacks]:
        raise MerError(
            f"{path} must describe a system, and lacks the {missing[0]} of model "
            f"{about.model!r}; {REMEDY}"
        )


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise MerError(
            f"{path.parent} must be the folder of a system, and has no {path.name}; {REMEDY}"
        )
    if path.stat().st_size > LARGEST:
        raise MerError(
            f"{path} must have at most {LARGEST} bytes, not {path.stat().st_size}; {REMEDY}"
        )
    return path.read_bytes()


def _arrays(path: Path, sha256: str | None) -> dict[str, np.ndarray]:
    content = _content(path)
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise MerError(
            f"{path} must have the sha256 {sha256} of {DESCRIPTION}, not {found}; {REMEDY}"
        )
    try:
        return load(content)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise MerError(
            f"{path} must hold arrays as safetensors ({type(error).__name__}: {error}); {REMEDY}"
        ) from error
