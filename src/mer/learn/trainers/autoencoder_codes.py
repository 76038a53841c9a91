"""Train an autoencoder on one fold's training part, and a classifier on its codes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from mer.learn import tensors
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.loop import load_weights, weights
from mer.learn.reconstruction import codes, trained
from mer.learn.trainers._sklearn import probabilities
from mer.networks.autoencoder import Autoencoder, Scale
from mer.runtime.device import device

uses_device = True
predict_reads: tuple[str, ...] = ("spectrogram",)


def _scaled(material: TrainingData, ids: Sequence[str]) -> Tensor:
    mel = tensors.examples(material, ids, device(), augmented=False)
    return Scale(mel).forwards(mel)


def _answers(
    network: Autoencoder,
    classifier: Any,
    material: TrainingData,
    known: Sequence[str],
    ids: Sequence[str],
) -> np.ndarray:
    """Probabilities of ``ids``, by a classifier fitted to the codes of the clips ``known``."""
    y = [material.labels[id_] for id_ in known]
    classifier.fit(codes(network, _scaled(material, known)), y)
    return probabilities(classifier, codes(network, _scaled(material, ids)), len(material.classes))


def predict(fitted: FittedFold, material: TrainingData, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips; the classifier of codes is fitted anew.

    See ``mer.learn.cross_validation``.
    """
    network = load_weights(Autoencoder(), fitted.weights, device())
    classifier = fitted.module.build(fitted.params, seed=fitted.seed, fidelity=fitted.fidelity)
    return _answers(network, classifier, material, fitted.fold.train, ids)


def fit_predict(context: FoldContext, material: TrainingData) -> dict[str, np.ndarray]:
    """Both trainings see the fold's training clips only; see ``mer.learn.cross_validation``."""
    params, fold, seed = context.params, context.fold, context.seed
    config = tensors.apply_profile(params.training, context.profile)
    scaled = _scaled(material, fold.train)
    network, arrays = trained(scaled, config, "1_autoencoder", seed=seed)
    classifier = context.module.build(params, seed=seed, fidelity=context.fidelity)
    return {
        "probabilities": _answers(network, classifier, material, fold.train, fold.test),
        **arrays,
        **weights(network),
    }
