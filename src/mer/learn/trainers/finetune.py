"""Train a new head on a network whose weights a user brings, on one fold's training part.

A frozen backbone is applied to every example once, one by one, so that an example's code depends on
nothing else; a process remembers the codes for its next folds.
"""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mer.learn import loop, tensors
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.loop import weights
from mer.learn.trainers._voting import answers
from mer.runtime.device import device

uses_device = True
predict_reads: tuple[str, ...] = ()

_codes: dict[tuple[bytes, bytes], Tensor] = {}


def _digest(*values: Tensor) -> bytes:
    """Of their numbers, and of where they lie."""
    digest = hashlib.sha256(str(values[0].device).encode())
    for tensor in values:
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.digest()


@torch.no_grad()
def encode(backbone: nn.Module, examples: Tensor) -> Tensor:
    """The frozen backbone's code of each example [shape=(n, values), dtype=float32]."""
    backbone.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    key, found = _digest(*backbone.state_dict().values()), []
    for example in examples:
        place = key, _digest(example)
        if place not in _codes:
            _codes[place] = backbone(example.float()[None])[0]
        found.append(_codes[place])
    return torch.stack(found)


def _trained(network: Any, examples: list[Tensor]) -> tuple[nn.Module, list[Tensor]]:
    """What of the network is trained, and what it takes of examples: codes of a frozen backbone."""
    if any(p.requires_grad for p in network.backbone.parameters()):
        return network, examples
    return network.head, [encode(network.backbone, part) for part in examples]


def predict(fitted: FittedFold, material: TrainingData, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the network that a training left.

    See ``mer.learn.cross_validation``.
    """
    x = tensors.examples(material, ids, device(), augmented=False)
    shape, classes = tuple(x.shape[1:]), len(material.classes)
    network = fitted.module.build(
        fitted.params, weights=material.weights, shape=shape, classes=classes
    )
    trained, taken = _trained(loop.load_weights(network, fitted.weights, x.device), [x])
    return answers(loop.predict(trained, taken), material, ids, fitted.fidelity)["probabilities"]


def fit_predict(context: FoldContext, material: TrainingData) -> dict[str, np.ndarray]:
    """Train the head, or all; see ``mer.learn.cross_validation``.

    ``module.build`` gives a network with a ``backbone`` and a ``head``. Where the backbone requires no
    gradient, it stays as it is, batch norms' statistics included.
    """
    where, params, fold = device(), context.params, context.fold
    x, test = (
        tensors.examples(material, ids, where, augmented=False) for ids in (fold.train, fold.test)
    )
    y = tensors.targets(material, fold.train, where, augmented=False)
    torch.manual_seed(context.seed)
    shape, classes = tuple(x.shape[1:]), len(material.classes)
    network = context.module.build(
        params, weights=material.weights, shape=shape, classes=classes
    ).to(where)
    trained, (x, test) = _trained(network, [x, test])
    config = tensors.apply_profile(params.training, context.profile)
    fitted = partial(loop.fit, trained, [x], y, config, seed=context.seed)
    arrays = loop.timed("1_training", len(y), fitted)
    loop.update_batchnorm_stats(trained, [x])
    found = loop.predict(trained, [test])
    return {
        **answers(found, material, fold.test, context.fidelity),
        **arrays,
        **weights(network),
    }
