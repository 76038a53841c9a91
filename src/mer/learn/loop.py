"""The training loop of every network.

Inputs lie on the device before the first epoch and stay there; an epoch copies nothing from the host
but the order of its examples, and nothing back but two numbers at its end.
"""

import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mer.recipe import Recipe

EVALUATION_BATCH = 32
KERAS_ADAM_EPSILON = 1e-7

log = logging.getLogger("mer")


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    parameters = [p for p in network.parameters() if p.requires_grad]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=recipe.lr)
    return torch.optim.Adam(parameters, lr=recipe.lr, eps=KERAS_ADAM_EPSILON)


def _batches(order: Tensor, size: int) -> list[Tensor]:
    """``order`` in pieces; a last piece of one example, which no batch norm can take, joins another."""
    pieces = list(order.split(size))
    if len(pieces) > 1 and len(pieces[-1]) == 1:
        pieces[-2:] = [torch.cat(pieces[-2:])]
    return pieces


def _forward(network: nn.Module, inputs: Sequence[Tensor], rows: Tensor) -> Tensor:
    """Logits in float32; computed in bfloat16 on a GPU."""
    with torch.autocast(rows.device.type, torch.bfloat16, enabled=rows.device.type == "cuda"):
        logits = network(*(x[rows].float() for x in inputs))
    return logits.float()


def fit(
    network: nn.Module,
    inputs: Sequence[Tensor],
    targets: Tensor,
    recipe: Recipe,
    *,
    seed: int,
) -> np.ndarray:
    """Train in place.

    Parameters
    ----------
    inputs : sequence of Tensor [shape=(n, ...)]
        One per argument of the network, all on the network's device.
    targets : Tensor [shape=(n,), dtype=int64]
        Class indices.
    seed : int
        Of dropout and of the order of the examples.

    Returns
    -------
    np.ndarray [shape=(epochs, 2)]
        Mean loss and accuracy of each epoch, over its batches as they were trained, dropout on: the
        figure that the stopping rule looks at (Louro et al.).
    """
    torch.manual_seed(seed)
    shuffle = torch.Generator().manual_seed(seed)
    optimizer, criterion = _optimizer(network, recipe), nn.CrossEntropyLoss()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    curve = []
    for _ in range(recipe.epochs):
        order = torch.randperm(len(targets), generator=shuffle).to(targets.device)
        sums = torch.zeros(2, device=targets.device)
        for rows in _batches(order, recipe.batch):
            logits = _forward(network, inputs, rows)
            loss = criterion(logits, targets[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            hits = (logits.detach().argmax(1) == targets[rows]).sum()
            sums += torch.stack([loss.detach() * len(rows), hits])
        curve.append((sums / len(targets)).tolist())
        log.info("epoch %d: loss %.4f, accuracy %.3f", len(curve), *curve[-1])
        if recipe.stop_accuracy is not None and curve[-1][1] >= recipe.stop_accuracy:
            break
    return np.array(curve)


@torch.no_grad()
def settle(network: nn.Module, inputs: Sequence[Tensor]) -> None:
    """Set every trained batch norm's statistics to those of the given examples.

    Keras' momentum of 0.99 leaves them far from the data after few steps. Dropout is off.
    """
    network.eval()
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.weight.requires_grad]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch: the average over all batches
        norm.train()
    everything = torch.arange(len(inputs[0]), device=inputs[0].device)
    for rows in _batches(everything, EVALUATION_BATCH):
        _forward(network, inputs, rows)
    network.eval()


@torch.no_grad()
def predict(
    network: nn.Module, inputs: Sequence[Tensor], batch: int = EVALUATION_BATCH
) -> np.ndarray:
    """Class probabilities [shape=(n, classes)]; the size of a batch does not matter."""
    network.eval()
    everything = torch.arange(len(inputs[0]), device=inputs[0].device)
    logits = [_forward(network, inputs, rows) for rows in everything.split(batch)]
    return torch.cat(logits).softmax(1).cpu().numpy()
