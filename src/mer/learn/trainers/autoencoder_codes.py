"""Train an autoencoder on the spectrograms of one fold, and a scikit-learn classifier on its codes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from mer.learn import loop, tensors
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.reconstruction import codes, train
from mer.learn.result import FoldResult
from mer.learn.trainers._sklearn import probabilities
from mer.networks.autoencoder import Autoencoder, Scale
from mer.runtime.device import device

if TYPE_CHECKING:
    from mer.contracts import EstimatorModel

uses_device = True
predict_reads: tuple[str, ...] = ("spectrogram",)


def _scaled(data: TrainingData, ids: Sequence[str]) -> Tensor:
    """Spectrograms of clips, each scaled to -1..1."""
    mel = tensors.examples(data, ids, device(), augmented=False)
    return Scale(mel).forwards(mel)


def _fit_and_predict(
    network: Autoencoder,
    classifier: Any,
    data: TrainingData,
    train_ids: Sequence[str],
    ids: Sequence[str],
) -> np.ndarray:
    """Class probabilities of ``ids`` by a classifier that is fitted to the codes of the training clips."""
    y = [data.labels[id_] for id_ in train_ids]
    classifier.fit(codes(network, _scaled(data, train_ids)), y)
    return probabilities(classifier, codes(network, _scaled(data, ids)), len(data.classes))


def predict(
    fitted: "FittedFold[EstimatorModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Class probabilities of any clips [shape=(len(ids), C)]; the classifier of codes is fitted again."""
    network = loop.load_weights(Autoencoder(), fitted.weights, device())
    classifier = fitted.model.build(fitted.params, seed=fitted.seed, fidelity=fitted.fidelity)
    return _fit_and_predict(network, classifier, data, fitted.fold.train, ids)


def fit_predict(context: "FoldContext[EstimatorModel]", data: TrainingData) -> FoldResult:
    """Train autoencoder and classifier on the training clips of the fold and predict its test clips."""
    params, fold, seed = context.params, context.fold, context.seed
    scaled, config = _scaled(data, fold.train), context.config(params.training)
    network, phase = train(scaled, config, "autoencoder", position=1, seed=seed)
    classifier = context.model.build(params, seed=seed, fidelity=context.fidelity)
    found = _fit_and_predict(network, classifier, data, fold.train, fold.test)
    return FoldResult(found[None], phases=[phase], weights=loop.weights(network))
