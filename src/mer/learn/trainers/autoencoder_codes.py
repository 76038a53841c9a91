"""Train an autoencoder on the spectrograms of one fold, and a scikit-learn estimator on its codes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from mer.learn import loop, tensors
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.reconstruction import codes, train
from mer.learn.result import FoldResult
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
    estimator: Any,
    data: TrainingData,
    train_ids: Sequence[str],
    ids: Sequence[str],
) -> np.ndarray:
    """Predictions for ``ids`` by an estimator that is fitted to the codes of the training clips."""
    estimator.fit(codes(network, _scaled(data, train_ids)), data.wanted(train_ids))
    return data.target.estimate(estimator, codes(network, _scaled(data, ids)))


def _estimator(context: "FoldContext[EstimatorModel]", data: TrainingData) -> Any:
    """The unfitted estimator of codes."""
    return context.model.build(
        context.params, seed=context.seed, fidelity=context.fidelity, predicts=data.target.kind
    )


def predict(
    fitted: "FittedFold[EstimatorModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Predictions for any clips [shape=(len(ids), outputs)]; the estimator of codes is fitted again."""
    network = loop.load_weights(Autoencoder(), fitted.weights, device())
    return _fit_and_predict(network, _estimator(fitted, data), data, fitted.fold.train, ids)


def fit_predict(context: "FoldContext[EstimatorModel]", data: TrainingData) -> FoldResult:
    """Train autoencoder and estimator on the training clips of the fold and predict its test clips.

    With the fidelity ``released`` the autoencoder is trained on all clips, test clips included.
    """
    params, fold, seed = context.params, context.fold, context.seed
    seen = fold.train if context.described else (*fold.train, *fold.val, *fold.test)
    scaled, config = _scaled(data, seen), context.config(params.training)
    network, phase = train(scaled, config, "autoencoder", position=1, seed=seed)
    found = _fit_and_predict(network, _estimator(context, data), data, fold.train, fold.test)
    return FoldResult(found[None], phases=[phase], weights=loop.weights(network))
