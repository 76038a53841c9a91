"""Train a network on the spectrograms, or waveforms, of one fold's training part.

Where clips are cut into segments, each is an example of its own; a clip's prediction is made of those of
its segments.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from mer.learn import deepsmote, loop, tensors
from mer.learn.context import Kept, Training
from mer.learn.data import Material
from mer.learn.loop import weights
from mer.learn.spec_augment import Striped
from mer.learn.trainers._voting import answers
from mer.runtime.device import device

uses_device = True
answer_reads: tuple[str, ...] = ()


def answer(kept: Kept, material: Material, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the network that a training left.

    See ``mer.learn.cross_validation``.
    """
    x = tensors.examples(material, ids, device(), copies=False)
    shape, classes = tuple(x.shape[1:]), len(material.classes)
    network = kept.module.build(kept.params, shape=shape, classes=classes)
    found = loop.predict(loop.fill(network, kept.weights, x.device), [x])
    return answers(found, material, ids, kept.fidelity)["probabilities"]


def fit_predict(training: Training, material: Material) -> dict[str, np.ndarray]:
    """Train on the fold's training clips and their copies; see ``mer.learn.cross_validation``."""
    where, params, fold = device(), training.params, training.fold
    seed, profile = training.seed, training.profile
    x = tensors.examples(material, fold.train, where, copies=True)
    y = tensors.targets(material, fold.train, where, copies=True)
    arrays: dict[str, np.ndarray] = {}
    if material.synthesis:
        new, classes, arrays = deepsmote.synthesise(x, y, material.synthesis, profile, seed=seed)
        x, y = torch.cat([x, new]), torch.cat([y, classes])
    torch.manual_seed(seed)
    network = training.module.build(params, shape=tuple(x.shape[1:]), classes=len(material.classes))
    network.to(where)
    shown = Striped(x, material.stripes) if material.stripes else x
    recipe = tensors.shortened(params.training, profile)
    fitted = partial(loop.fit, network, [shown], y, recipe, seed=seed)
    arrays |= loop.timed("1_training", len(y), fitted)
    if training.described:
        loop.settle(network, [x])
    test = tensors.examples(material, fold.test, where, copies=False)
    return {
        **answers(loop.predict(network, [test]), material, fold.test, training.fidelity),
        **arrays,
        **weights(network),
    }
