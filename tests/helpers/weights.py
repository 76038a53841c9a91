"""Random weights in the form in which a user brings them, for models that start from such."""

import numpy as np
import torch

from mer.io.pretrained import Weights
from mer.models import artists_cnn, crnn_mtat

NONE = Weights(file="generated.pth", sha256=None, source="nowhere", license="none")


def _state(network: torch.nn.Module, seed: int = 0) -> dict[str, np.ndarray]:
    """Random values for all that the network holds; variances are positive."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        scale = 1 / np.sqrt(max(tensor[0].numel(), 1)) if tensor.ndim > 1 else 0.1
        array = scale * rng.standard_normal(tuple(tensor.shape))
        positive = tensor.ndim == 1 and name.endswith(("weight", "running_var"))
        arrays[name] = (1 + abs(array) if positive else array).astype(np.float32)
    return arrays


def crnn() -> dict[str, np.ndarray]:
    """As Won et al.'s state dict, with what belongs to their front-end and tags."""
    names = {ours: theirs for theirs, ours in crnn_mtat.NAMES.items()}
    arrays = {"dense.weight": np.zeros((50, 32), np.float32)}
    for name, array in _state(crnn_mtat.Backbone(rotated=False)).items():
        (ours,) = (prefix for prefix in names if name.startswith(prefix))
        arrays[names[ours] + name.removeprefix(ours)] = array
    return arrays


def keras(network: torch.nn.Module) -> dict[str, np.ndarray]:
    """As ``mer.io.pretrained.load`` reads a file of Keras that holds this network's layers."""
    arrays = _state(network)
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in arrays))
    return {
        f"{layers.index(name.rpartition('.')[0]):03d}.layer.{name.rpartition('.')[2]}": array
        for name, array in arrays.items()
    }


def of(model: str, mels: int) -> dict[str, np.ndarray]:
    """Weights for a model that reads spectrograms of so many bands."""
    return {
        "crnn_mtat": crnn,
        "artists_cnn": lambda: keras(artists_cnn.Backbone(mels, standardized=True)),
    }[model]()
