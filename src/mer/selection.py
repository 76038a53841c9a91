"""The selectors of params.yaml: which parts a system has, and where they lie."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mer import config, registry
from mer.schema.augmentation import Policy
from mer.schema.profiles import Profile

DATA = Path("data")


@dataclass(frozen=True)
class Selection:
    """One entry of each block of params.yaml: together they are a system.

    Attributes
    ----------
    model, dataset, target, view, family, augment, protocol, fidelity, profile : str
    seed : int
    """

    model: str
    dataset: str
    target: str
    view: str
    family: str
    augment: str
    protocol: str
    fidelity: str
    profile: str
    seed: int

    @classmethod
    def of(cls, given: Mapping[str, Any], profile: str, seed: int) -> "Selection":
        """The selection of an experiment of ``papers/``.

        Parameters
        ----------
        given : mapping of str to value
            The selectors except ``profile`` and ``seed``; other keys are ignored.
        """
        every = {**given, "profile": profile, "seed": seed}
        return cls(**{field.name: every[field.name] for field in fields(cls)})

    def folder(self, kind: str, data: Path = DATA) -> Path:
        """Folder of an artefact: ``index``, ``standard``, ``mel``, ``features`` or ``augmented``."""
        parts = {
            "mel": (self.view,),
            "features": (self.family,),
            "augmented": (self.augment, self.view),
        }.get(kind, ())
        return data.joinpath(kind, *parts, self.dataset)

    def blocks(self) -> tuple[Any, Policy, Profile]:
        """Read the blocks of the model, the policy and the profile."""
        params, policy, profile = config.read(
            f"models.{self.model}", f"policies.{self.augment}", f"profiles.{self.profile}"
        )
        return params, policy, profile

    @property
    def folds(self) -> Path:
        """File with the folds of the protocol."""
        return DATA / "folds" / self.protocol / f"{self.dataset}.json"

    @property
    def used(self) -> dict[str, str | int]:
        """The selectors, ``none`` for an input that the model does not read."""
        module = registry.get("models", self.model)
        unread = {
            "view": "spectrogram" not in module.reads,
            "family": "table" not in module.reads,
        }
        return {k: "none" if unread.get(k) else v for k, v in asdict(self).items()}


SELECTORS = [field.name for field in fields(Selection)]


def selected() -> Selection:
    """Read the selection of params.yaml."""
    return Selection(*config.read(*SELECTORS))
