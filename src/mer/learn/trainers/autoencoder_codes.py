"""Train an autoencoder on one fold's training part, and a classifier on its codes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from mer.learn import tensors
from mer.learn.context import Kept, Training
from mer.learn.data import Material
from mer.learn.loop import fill, weights
from mer.learn.reconstruction import codes, trained
from mer.learn.trainers._sklearn import probabilities
from mer.networks.autoencoder import Autoencoder, Scale
from mer.runtime.device import device

uses_device = True
answer_reads: tuple[str, ...] = ("spectrogram",)


def _scaled(material: Material, ids: Sequence[str]) -> Tensor:
    mel = tensors.examples(material, ids, device(), copies=False)
    return Scale(mel).forwards(mel)


def _answers(
    network: Autoencoder,
    classifier: Any,
    material: Material,
    known: Sequence[str],
    ids: Sequence[str],
) -> np.ndarray:
    """Probabilities of ``ids``, by a classifier fitted to the codes of the clips ``known``."""
    y = [material.labels[id_] for id_ in known]
    classifier.fit(codes(network, _scaled(material, known)), y)
    return probabilities(classifier, codes(network, _scaled(material, ids)), len(material.classes))


def answer(kept: Kept, material: Material, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips; the classifier of codes is fitted anew.

    See ``mer.learn.cross_validation``.
    """
    network = fill(Autoencoder(), kept.weights, device())
    classifier = kept.module.build(kept.params, seed=kept.seed, fidelity=kept.fidelity)
    return _answers(network, classifier, material, kept.fold.train, ids)


def fit_predict(training: Training, material: Material) -> dict[str, np.ndarray]:
    """Both trainings see the fold's training clips only; see ``mer.learn.cross_validation``."""
    params, fold, seed = training.params, training.fold, training.seed
    recipe = tensors.shortened(params.training, training.profile)
    scaled = _scaled(material, fold.train)
    network, arrays = trained(scaled, recipe, "1_autoencoder", seed=seed)
    classifier = training.module.build(params, seed=seed, fidelity=training.fidelity)
    return {
        "probabilities": _answers(network, classifier, material, fold.train, fold.test),
        **arrays,
        **weights(network),
    }
