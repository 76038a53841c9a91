"""Train a network on the spectrograms, or waveforms, of one fold's training part.

Where clips are cut into segments, each is an example of its own; a clip's prediction is made of those of
its segments.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from mer.learn import deepsmote, loop, tensors
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.loop import weights
from mer.learn.spec_augment import SpecAugment
from mer.learn.trainers._voting import answers
from mer.runtime.device import device

uses_device = True
predict_reads: tuple[str, ...] = ()


def predict(fitted: FittedFold, material: TrainingData, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the network that a training left.

    See ``mer.learn.cross_validation``.
    """
    x = tensors.examples(material, ids, device(), augmented=False)
    shape, classes = tuple(x.shape[1:]), len(material.classes)
    network = fitted.module.build(fitted.params, shape=shape, classes=classes)
    found = loop.predict(loop.load_weights(network, fitted.weights, x.device), [x])
    return answers(found, material, ids, fitted.fidelity)["probabilities"]


def fit_predict(context: FoldContext, material: TrainingData) -> dict[str, np.ndarray]:
    """Train on the fold's training clips and their copies; see ``mer.learn.cross_validation``."""
    where, params, fold = device(), context.params, context.fold
    seed, profile = context.seed, context.profile
    x = tensors.examples(material, fold.train, where, augmented=True)
    y = tensors.targets(material, fold.train, where, augmented=True)
    arrays: dict[str, np.ndarray] = {}
    if material.synthesis:
        new, classes, arrays = deepsmote.synthesise(x, y, material.synthesis, profile, seed=seed)
        x, y = torch.cat([x, new]), torch.cat([y, classes])
    torch.manual_seed(seed)
    network = context.module.build(params, shape=tuple(x.shape[1:]), classes=len(material.classes))
    network.to(where)
    shown = SpecAugment(x, material.stripes) if material.stripes else x
    config = tensors.apply_profile(params.training, profile)
    fitted = partial(loop.fit, network, [shown], y, config, seed=seed)
    arrays |= loop.timed("1_training", len(y), fitted)
    if context.described:
        loop.update_batchnorm_stats(network, [x])
    test = tensors.examples(material, fold.test, where, augmented=False)
    return {
        **answers(loop.predict(network, [test]), material, fold.test, context.fidelity),
        **arrays,
        **weights(network),
    }
