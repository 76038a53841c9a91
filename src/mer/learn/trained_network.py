"""A network after its training: its weights, the statistics of its batch norms, its predictions."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mer.errors import MerError
from mer.learn.forward import EVALUATION_BATCH, Examples, everything, forward
from mer.targets.target import Target

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


def weights(network: nn.Module) -> dict[str, np.ndarray]:
    """Parameters and buffers by name, as contiguous arrays on the host; a scalar as one of one element."""
    state = network.state_dict().items()
    return {name: np.ascontiguousarray(tensor.cpu().numpy()) for name, tensor in state}


def load_weights(
    network: AnyNetwork, weights: Mapping[str, np.ndarray], where: torch.device
) -> AnyNetwork:
    """The network with the weights of a trained one, on the device ``where``.

    Raises
    ------
    MerError
        If the weights belong to another network.
    """
    try:
        network.load_state_dict({k: torch.from_numpy(array) for k, array in weights.items()})
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise MerError(
            "the weights must be of the network that the parameters describe, and are of another "
            f"({reason}); run `dvc repro`, or export the system again with this version of mer"
        ) from error
    return network.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]


def _is_trained(norm: _BatchNorm) -> bool:
    """Whether a batch norm has running statistics and is not frozen; without weights it never is."""
    return norm.track_running_stats and (norm.weight is None or norm.weight.requires_grad)


@torch.no_grad()
def update_bn(network: nn.Module, inputs: Sequence[Examples]) -> None:
    """Set the running statistics of every trained batch norm to those of the given examples.

    Keras' momentum of 0.99 leaves the running statistics far from the data after few steps. The
    statistics are means over batches of about the same size, with dropout off. The examples are shuffled,
    because neighbours are correlated.
    """
    network.eval()
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and _is_trained(m)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch: the average over all batches
        norm.train()
    order = torch.randperm(len(inputs[0]), generator=torch.Generator().manual_seed(0))
    count = math.ceil(len(order) / EVALUATION_BATCH)
    for rows in order.to(inputs[0].device).tensor_split(count):
        forward(network, inputs, rows)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()


@torch.no_grad()
def predict(network: nn.Module, inputs: Sequence[Examples], target: Target) -> np.ndarray:
    """Class probabilities or values [shape=(n, outputs)].

    The examples that are predicted together change only the rounding.
    """
    network.eval()
    batches = everything(inputs[0]).split(EVALUATION_BATCH)
    outputs = [forward(network, inputs, rows) for rows in batches]
    return target.decode(torch.cat(outputs)).cpu().numpy()
