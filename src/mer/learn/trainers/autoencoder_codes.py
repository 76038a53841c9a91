"""Train an autoencoder on the spectrograms of one fold, and a scikit-learn estimator on its codes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from mer.learn import tensors, trained_network
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.estimator_arrays import restored, to_arrays
from mer.learn.reconstruction import train
from mer.learn.result import FoldResult, split_by_prefix
from mer.networks.autoencoder import Autoencoder, Scale, codes
from mer.runtime.device import device

if TYPE_CHECKING:
    from mer.contracts.interfaces import EstimatorModel

uses_device = True
ESTIMATOR = "estimator."  # prefix of the arrays of the estimator among the weights


def _scaled(data: TrainingData, ids: Sequence[str]) -> Tensor:
    """Spectrograms of clips, each scaled to -1..1."""
    mel = tensors.examples(data, ids, device(), augmented=False)
    return Scale(mel).transform(mel)


def _estimator(context: "FoldContext[EstimatorModel]", data: TrainingData) -> Any:
    """The unfitted estimator of codes."""
    return context.model.build(
        context.params, seed=context.seed, fidelity=context.fidelity, predicts=data.target.kind
    )


def predict(
    fitted: "FittedFold[EstimatorModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Predictions for any clips [shape=(len(ids), outputs)]."""
    of_estimator, of_network = split_by_prefix(fitted.weights, ESTIMATOR)
    network = trained_network.load_weights(Autoencoder(), of_network, device())
    estimator = restored(_estimator(fitted, data), of_estimator)
    return data.target.estimate(estimator, codes(network, _scaled(data, ids)))


def fit_predict(context: "FoldContext[EstimatorModel]", data: TrainingData) -> FoldResult:
    """Train autoencoder and estimator on the training clips of the fold and predict its test clips.

    With the fidelity ``released`` the autoencoder is trained on all clips, test clips included.
    """
    params, fold, seed = context.params, context.fold, context.restart_seed
    seen = fold.train if context.described else (*fold.train, *fold.val, *fold.test)
    scaled, config = _scaled(data, seen), context.effective_config(params.training)
    network, phase = train(scaled, config, "autoencoder", position=1, seed=seed)
    rows = codes(network, _scaled(data, fold.train))
    estimator = _estimator(context, data).fit(rows, data.targets_of(fold.train))
    found = data.target.estimate(estimator, codes(network, _scaled(data, fold.test)))
    arrays = {ESTIMATOR + name: array for name, array in to_arrays(estimator).items()}
    return FoldResult(found, phases=[phase], weights=trained_network.weights(network) | arrays)
