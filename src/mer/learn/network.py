"""Train a network on the spectrograms, or waveforms, of one fold's training part.

Where clips are cut into segments, each is an example of its own; a clip's prediction is made of those of
its segments.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from mer.device import device
from mer.learn import deepsmote, inputs, loop
from mer.learn.kept import Kept, Training
from mer.learn.loop import weights
from mer.learn.material import Material
from mer.learn.stripes import Striped

uses_device = True
answer_reads: tuple[str, ...] = ()


def vote(segments: np.ndarray, fidelity: str) -> np.ndarray:
    """A clip's probabilities from those of its segments.

    Parameters
    ----------
    segments : np.ndarray [shape=(n, segments, C)]
    fidelity : str
        ``described``: their mean. ``released``: 1 for the rounded mean of the segments' class indices,
        as Louro et al.'s code does (methods A6): two votes for Q1 and two for Q4 make Q3.

    Returns
    -------
    np.ndarray [shape=(n, C)]
    """
    if fidelity == "described":
        return segments.mean(axis=1)
    return np.eye(segments.shape[2])[np.rint(segments.argmax(axis=2).mean(axis=1)).astype(int)]


def answers(
    found: np.ndarray, material: Material, ids: Sequence[str], fidelity: str
) -> dict[str, np.ndarray]:
    """``probabilities`` of clips, and their ``segments`` where clips are cut.

    Parameters
    ----------
    found : np.ndarray [shape=(n * segments, C)]
        Class probabilities of the clips' examples.
    """
    found = found.reshape(len(ids), material.segments, -1)
    if material.segments == 1:
        return {"probabilities": found[:, 0]}
    return {"probabilities": vote(found, fidelity), "segments": found}


def answer(kept: Kept, material: Material, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the network that a training left; see ``mer.learn.crossval``."""
    x = inputs.examples(material, ids, device(), copies=False)
    shape, classes = tuple(x.shape[1:]), len(material.classes)
    network = kept.module.build(kept.params, shape=shape, classes=classes)
    found = loop.predict(loop.fill(network, kept.weights, x.device), [x])
    return answers(found, material, ids, kept.fidelity)["probabilities"]


def fit_predict(training: Training, material: Material) -> dict[str, np.ndarray]:
    """Train on the fold's training clips and their copies; see ``mer.learn.crossval``."""
    where, params, fold = device(), training.params, training.fold
    seed, profile = training.seed, training.profile
    x = inputs.examples(material, fold.train, where, copies=True)
    y = inputs.targets(material, fold.train, where, copies=True)
    arrays: dict[str, np.ndarray] = {}
    if material.synthesis:
        new, classes, arrays = deepsmote.synthesise(x, y, material.synthesis, profile, seed=seed)
        x, y = torch.cat([x, new]), torch.cat([y, classes])
    torch.manual_seed(seed)
    network = training.module.build(params, shape=tuple(x.shape[1:]), classes=len(material.classes))
    network.to(where)
    shown = Striped(x, material.stripes) if material.stripes else x
    recipe = inputs.shortened(params.training, profile)
    fitted = partial(loop.fit, network, [shown], y, recipe, seed=seed)
    arrays |= loop.timed("1_training", len(y), fitted)
    if training.described:
        loop.settle(network, [x])
    test = inputs.examples(material, fold.test, where, copies=False)
    return {
        **answers(loop.predict(network, [test]), material, fold.test, training.fidelity),
        **arrays,
        **weights(network),
    }
