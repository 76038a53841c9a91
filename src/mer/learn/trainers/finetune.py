"""Train a new head on a pretrained network, on the training part of one fold.

A frozen backbone encodes every example in a batch of its own, so that no code depends on other examples. A
process that trains keeps the codes for its next folds.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from mer.learn import loop, tensors, trained_network, untrained_network
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.result import FoldResult
from mer.learn.trainers._voting import clip_predictions
from mer.runtime.device import device

if TYPE_CHECKING:
    from mer.contracts.interfaces import PretrainedModel

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
    key = _digest(*backbone.state_dict().values())
    places = [(fidelity, key, _digest(example)) for example in examples]
    if missing := [row for row, place in enumerate(places) if place not in _codes]:
        _codes.update(zip([places[row] for row in missing], encode(backbone, examples[missing])))
    return torch.stack([_codes[place] for place in places])


def _trainable(
    network: Any, examples: list[Tensor], encoder: Callable[[nn.Module, Tensor], Tensor]
) -> tuple[nn.Module, list[Tensor]]:
    """The part of the network that is trained, and its inputs: the codes of a frozen backbone."""
    if any(p.requires_grad for p in network.backbone.parameters()):
        return network, examples
    return network.head, [encoder(network.backbone, part) for part in examples]


def _build(context: "FoldContext[PretrainedModel]", data: TrainingData, x: Tensor) -> nn.Module:
    """The pretrained network with an untrained head, for examples like ``x``."""
    assert data.pretrained is not None
    return untrained_network.build(
        context,
        weights=data.pretrained,
        shape=tuple(x.shape[1:]),
        outputs=data.target.outputs,
        fidelity=context.fidelity,
    )


def predict(
    fitted: "FittedFold[PretrainedModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Predictions for any clips by the trained network [shape=(len(ids), outputs)]."""
    x = tensors.examples(data, ids, device(), augmented=False)
    network = trained_network.load_weights(_build(fitted, data, x), fitted.weights, x.device)
    trainable, inputs = _trainable(network, [x], encode)
    examples = trained_network.predict(trainable, inputs, data.target)
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
    encoder = partial(encode_once, fidelity=context.fidelity)
    trainable, (x, test) = _trainable(network, [x, test], encoder)
    config = context.effective_config(context.params.training)
    fit = partial(loop.fit, trainable, [x], y, config, seed=seed, objective=data.target)
    phase = loop.timed("training", len(y), fit, position=1)
    if config.update_bn:
        trained_network.update_bn(trainable, [x])
    examples = trained_network.predict(trainable, [test], data.target)
    clips, segments = clip_predictions(examples, data.segments_per_clip, context.fidelity)
    return FoldResult(clips, segments, [phase], weights=trained_network.weights(network))
