"""Train a network on whole clips, each a sequence of segments."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from mer.learn import loop, memmap, restarts
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.result import FoldResult
from mer.runtime.device import device
from mer.types import positions

if TYPE_CHECKING:
    from mer.contracts import NetworkModel

uses_device = True


def _build(context: "FoldContext[NetworkModel]", data: TrainingData) -> nn.Module:
    shape = restarts.sequences(data).shape[2:]
    return context.model.build(context.params, shape=shape, outputs=data.target.outputs)


def predict(
    fitted: "FittedFold[NetworkModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Predictions for any clips by the network of the first restart [shape=(len(ids), outputs)]."""
    where = device()
    assert data.mel is not None
    numbers = np.array(positions(data.mel.ids, ids, "spectrogram"))
    network = loop.load_weights(_build(fitted, data), fitted.weights, where)
    examples = memmap.examples(restarts.sequences(data), numbers, where)
    return loop.predict(network, [examples], data.target)


def fit_predict(context: "FoldContext[NetworkModel]", data: TrainingData) -> FoldResult:
    """Train a network per restart, all with the same validation clips, and predict the test clips."""
    train, val = restarts.validation(context, data.strata)
    assert data.mel is not None
    sides = train, val, context.fold.test
    return restarts.fit_restarts(
        lambda: _build(context, data),
        restarts.parts(restarts.sequences(data), data.mel.ids, sides, data, device()),
        data.target,
        context.config(context.params.training),
        "training",
        seeds=context.restart_seeds,
        patience=context.params.patience,
    )
