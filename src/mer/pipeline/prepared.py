"""Whether the inputs of a system were computed with the parameters that params.yaml has."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mer import config, registry
from mer.errors import MerError
from mer.io.artefacts import MANIFEST, absent
from mer.io.files import differing, read_json
from mer.pipeline import augment
from mer.pipeline.augment import PARAMETERS
from mer.schema.feature_selection import members
from mer.schema.spectrograms import View
from mer.selection import Selection


def recorded(folder: Path, key: str) -> dict[str, Any]:
    """An entry of the manifest of an artefact; empty if there is none."""
    return read_json(folder / MANIFEST).get(key, {})


def require_same(folder: Path, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Refuse an artefact that was computed with other parameters, or by other libraries.

    Parameters
    ----------
    folder : Path
        The artefact.
    theirs : mapping
        What it was computed with, by name; see ``recorded``.
    ours : mapping
        What it must have been computed with: the same names with the same values.

    Raises
    ------
    MerError
        If a name is in one of the two only, or a value differs.
    """
    if other := differing(ours, theirs):
        raise MerError(
            f"{folder} must have been computed with the parameters of params.yaml and the libraries that "
            f"are installed, and differs in {', '.join(other)}; remove it and compute it again, as "
            "`dvc repro` does"
        )


def require_view(folder: Path, view: View) -> None:
    """Refuse spectrograms that were computed with other parameters of their view; see ``require_same``."""
    require_same(folder, recorded(folder, "view"), view.parameters)


def check(chosen: Selection) -> None:
    """Refuse spectrograms or features of a corpus that other parameters than those of params.yaml made.

    An absent artefact passes: the system that needs it says why it is absent.

    Raises
    ------
    MerError
        If a parameter of the view, of the augmentation policy or of a family differs.
    """
    reads = registry.get("models", chosen.model).reads
    mel = chosen.folder("mel")
    if "spectrogram" in reads and _is_present(mel):
        (view,) = config.read(f"views.{chosen.view}")
        require_view(mel, view)
        _check_augmented(chosen, view)
    (joins,) = config.read("joined_families")
    for family in members(chosen.family, joins) if "table" in reads else ():
        folder = replace(chosen, family=family).folder("features")
        if _is_present(folder) and hasattr(registry.get("features", family), "extract"):
            (params,) = config.read(f"families.{family}")
            theirs = recorded(folder, "source")
            require_same(folder, theirs, {**theirs, "params": params.model_dump_json()})


def _check_augmented(chosen: Selection, view: View) -> None:
    """Refuse augmented spectrograms of another view, policy or seed."""
    (policy,) = config.read(f"policies.{chosen.augment}")
    folder = chosen.folder("augmented")
    augments = registry.get("models", chosen.model).augments != "no"
    if augments and policy.versions and _is_present(folder):
        require_view(folder, view)
        theirs = read_json(folder / PARAMETERS)
        ours = {
            id_: augment.sample_parameters(policy, chosen.augment, chosen.seed, id_)
            for id_ in theirs
        }
        what = f"policies.{chosen.augment} or seed"
        require_same(folder, {what: theirs}, {what: json.loads(json.dumps(ours))})


def _is_present(folder: Path) -> bool:
    return folder.is_dir() and not absent(folder)
