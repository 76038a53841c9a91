"""Train a new head on a pretrained network, on the training part of one fold.

A frozen backbone encodes every example in a batch of its own, so that no code depends on other examples. A
process that trains keeps the codes for its next folds.
"""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from mer.learn import loop, tensors, trained_network
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.result import FoldResult
from mer.learn.trainers._voting import clip_predictions
from mer.runtime.device import device

if TYPE_CHECKING:
    from mer.contracts import PretrainedModel

uses_device = True

_codes: dict[tuple[str, bytes, bytes], Tensor] = {}


def _digest(*values: Tensor) -> bytes:
    """A digest of the values of tensors and of their device."""
    digest = hashlib.sha256(str(values[0].device).encode())
    for tensor in values:
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.digest()


@torch.no_grad()
def encode(backbone: nn.Module, examples: Tensor) -> Tensor:
    """The frozen backbone's code of each example [shape=(n, values), dtype=float32]."""
    backbone.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return torch.cat([backbone(example.float()[None]) for example in examples])


def encode_once(backbone: nn.Module, examples: Tensor, fidelity: str) -> Tensor:
    """``encode``, which keeps the codes in memory.

    Parameters
    ----------
    fidelity : str
        The fidelity that the backbone was built with; it decides how the backbone reads an example.
    """
    key, found = _digest(*backbone.state_dict().values()), []
    for example in examples:
        place = fidelity, key, _digest(example)
        if place not in _codes:
            _codes[place] = encode(backbone, example[None])[0]
        found.append(_codes[place])
    return torch.stack(found)


def _is_frozen(backbone: nn.Module) -> bool:
    return not any(p.requires_grad for p in backbone.parameters())


def _build(context: "FoldContext[PretrainedModel]", data: TrainingData, x: Tensor) -> Any:
    """The pretrained network with an untrained head, for examples like ``x``."""
    assert data.pretrained is not None
    shape, outputs = tuple(x.shape[1:]), data.target.outputs
    return context.model.build(
        context.params,
        weights=data.pretrained,
        shape=shape,
        outputs=outputs,
        fidelity=context.fidelity,
    )


def predict(
    fitted: "FittedFold[PretrainedModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Predictions for any clips by the trained network [shape=(len(ids), outputs)]."""
    x = tensors.examples(data, ids, device(), augmented=False)
    network: Any = _build(fitted, data, x)
    trained_network.load_weights(network, fitted.weights, x.device)
    if _is_frozen(network.backbone):
        network, x = network.head, encode(network.backbone, x)
    examples = trained_network.predict(network, [x], data.target)
    return clip_predictions(examples, data.segments_per_clip, fitted.fidelity).clips


def fit_predict(context: "FoldContext[PretrainedModel]", data: TrainingData) -> FoldResult:
    """Train the head, or the whole network, on the training clips and predict the test clips.

    A backbone whose parameters require no gradient stays as it is, the statistics of its batch norms
    included.
    """
    where, fold = device(), context.fold
    x, test = (
        tensors.examples(data, ids, where, augmented=False) for ids in (fold.train, fold.test)
    )
    y = tensors.targets(data, fold.train, where, augmented=False)
    torch.manual_seed(seed := context.restart_seed)
    network = _build(context, data, x).to(where)
    trainable = network
    if _is_frozen(network.backbone):
        trainable = network.head
        x, test = (encode_once(network.backbone, part, context.fidelity) for part in (x, test))
    config = context.config(context.params.training)
    fit = partial(loop.fit, trainable, [x], y, config, seed=seed, objective=data.target)
    phase = loop.timed("training", len(y), fit, position=1)
    if config.update_bn:
        trained_network.update_bn(trainable, [x])
    examples = trained_network.predict(trainable, [test], data.target)
    clips, segments = clip_predictions(examples, data.segments_per_clip, context.fidelity)
    return FoldResult(clips, segments, [phase], weights=trained_network.weights(network))
