"""How a model is trained on one fold, and what that leaves to answer for clips that it has not heard."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from mer.blocks.profiles import Profile
from mer.errors import MerError
from mer.types import Fold

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Training:
    """A model on one fold.

    Attributes
    ----------
    module : ModuleType
        Of the model.
    params : the model's ``Params``
    fold : Fold
    seed : int
        Of this training: ``mer.learn.crossval.fold_seed``.
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


@dataclass(frozen=True)
class Kept(Training):
    """A training that is over.

    Attributes
    ----------
    weights : mapping of str to np.ndarray
        By the names of the network's parameters and buffers; empty of an estimator.
    """

    weights: Mapping[str, np.ndarray]


def fill(network: Network, weights: Mapping[str, np.ndarray], where: torch.device) -> Network:
    """The network with the weights that a training left, as it was at its end.

    Raises
    ------
    MerError
        If they are of another network.
    """
    try:
        network.load_state_dict({k: torch.from_numpy(array) for k, array in weights.items()})
    except RuntimeError as error:
        fault = str(error).splitlines()[-1].strip()
        raise MerError(
            "the weights of a run must be of the network that params.yaml describes, and are of another "
            f"({fault}); run `dvc repro`"
        ) from error
    return network.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
