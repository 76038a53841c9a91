"""Train a network on the spectrograms of one fold's training part."""

from typing import Any

import numpy as np
import torch

from mer.config import Profile
from mer.device import device
from mer.learn import inputs, loop
from mer.learn.material import Material
from mer.types import Fold


def weights(network: torch.nn.Module) -> dict[str, np.ndarray]:
    """Parameters and buffers by name, under ``weights.``, in the order of memory that files have."""
    state = network.state_dict().items()
    return {f"weights.{name}": tensor.cpu().contiguous().numpy() for name, tensor in state}


def alone() -> bool:
    """Whether a fold needs the device to itself."""
    return device().type == "cuda"


def fit_predict(
    module: Any,
    params: Any,
    material: Material,
    fold: Fold,
    *,
    seed: int,
    fidelity: str,
    profile: Profile,
) -> dict[str, np.ndarray]:
    """Train on the fold's training clips and their copies; see ``mer.learn.crossval``."""
    where = device()
    x = inputs.spectrograms(material, fold.train, where, copies=True)
    y = inputs.targets(material, fold.train, where, copies=True)
    torch.manual_seed(seed)
    network = module.build(params, shape=tuple(x.shape[1:]), classes=len(material.classes))
    network.to(where)
    curve = loop.fit(network, [x], y, inputs.shortened(params.training, profile), seed=seed)
    if fidelity == "described":
        loop.settle(network, [x])
    test = inputs.spectrograms(material, fold.test, where, copies=False)
    return {
        "probabilities": loop.predict(network, [test]),
        "curve.1_training": curve,
        **weights(network),
    }
