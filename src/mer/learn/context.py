"""The context in which a trainer trains a model on one fold, and the fold once it is trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from mer.schema.profiles import Profile
from mer.schema.training import TrainingConfig
from mer.seeds import generator
from mer.types import Fold

if TYPE_CHECKING:
    from mer.contracts.interfaces import Model

AnyModel = TypeVar("AnyModel", bound="Model")


def apply_profile(config: TrainingConfig, profile: Profile) -> TrainingConfig:
    """The configuration with the precision, the batch size and the limit of epochs of a profile."""
    epochs = config.smoke_test_epochs if profile.smoke_test else config.max_epochs
    changes = {
        "precision": "float32" if profile.portable else config.precision or profile.precision,
        "batch_size": profile.batch_size or config.batch_size,
        "max_epochs": min(epochs, profile.max_epochs or epochs),
    }
    return config.model_copy(update=changes)


@dataclass(frozen=True)
class FoldContext(Generic[AnyModel]):
    """A model, its parameters and the fold that it is trained on.

    Attributes
    ----------
    model : Model
        Module of ``mer.models``.
    params : Block
        The model's ``Params``.
    fold : Fold
    seed : int
        Seed of this fold: ``mer.learn.cross_validation.fold_seed``.
    fidelity : str
        ``described`` or ``released``.
    profile : Profile
    restart : int
        Number of the training among the ``restarts`` of the fold, from 0.
    keeps_weights : bool
        Whether the result keeps the weights.
    """

    model: AnyModel
    params: Any
    fold: Fold
    seed: int
    fidelity: str
    profile: Profile
    restart: int = field(default=0, kw_only=True)
    keeps_weights: bool = field(default=True, kw_only=True)

    @property
    def described(self) -> bool:
        """Whether the training follows the paper, not the authors' code."""
        return self.fidelity == "described"

    @property
    def restart_seed(self) -> int:
        """The seed of the restart, derived from that of the fold.

        A model whose ``Params`` have no ``restarts`` gets the seed of the fold; with them, the first one
        has a seed of its own, too. The key says "round", as restarts were once called: another word
        would change all seeds.
        """
        if not hasattr(self.params, "restarts"):
            return self.seed
        return int(generator(self.seed, "round", self.restart).integers(2**31))

    def effective_config(self, config: TrainingConfig) -> TrainingConfig:
        """A configuration as this fold trains with it: the limits of the profile count, and ``update_bn``
        does not under ``released``."""
        found = apply_profile(config, self.profile)
        return found.model_copy(update={"update_bn": found.update_bn and self.described})


@dataclass(frozen=True)
class FittedFold(FoldContext[AnyModel]):
    """A fold whose training has ended.

    Attributes
    ----------
    weights : mapping of str to np.ndarray
        What ``FoldResult.weights`` kept.
    """

    weights: Mapping[str, np.ndarray]
