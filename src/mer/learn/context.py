"""How a model is trained on one fold, and what that leaves to answer for clips that it has not heard."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from mer.schema.profiles import Profile
from mer.seeds import generator
from mer.types import Fold


@dataclass(frozen=True)
class FoldContext:
    """A model on one fold.

    Attributes
    ----------
    module : ModuleType
        Of the model.
    params : the model's ``Params``
    fold : Fold
    seed : int
        Of this training: ``mer.learn.cross_validation.fold_seed``.
    fidelity : ``described`` or ``released``
    profile : Profile
    """

    module: ModuleType
    params: Any
    fold: Fold
    seed: int
    fidelity: str
    profile: Profile

    @property
    def described(self) -> bool:
        """Whether it follows the paper, not the authors' code."""
        return self.fidelity == "described"

    @property
    def seeds(self) -> list[int]:
        """A seed for each round of the fold, derived from the fold's.

        Rounds are repeats of a fold, and a profile may have fewer of these than ``params.restarts``. A model
        without ``restarts`` is trained once, from the fold's own seed.
        """
        if not hasattr(self.params, "restarts"):
            return [self.seed]
        restarts = self.params.restarts
        count = min(restarts, self.profile.repeats or restarts)
        return [
            int(generator(self.seed, "round", number).integers(2**31)) for number in range(count)
        ]


@dataclass(frozen=True)
class FittedFold(FoldContext):
    """A training that is over.

    Attributes
    ----------
    weights : mapping of str to np.ndarray
        By the names of the network's parameters and buffers; empty of an estimator.
    """

    weights: Mapping[str, np.ndarray]
