"""Train a network on whole clips, each a sequence of segments."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from mer.learn import (
    early_stopping,
    memmap,
    tensors,
    trained_network,
    untrained_network,
    validation,
)
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.result import FoldResult
from mer.runtime.device import device
from mer.types import positions

if TYPE_CHECKING:
    from mer.contracts.interfaces import NetworkModel

uses_device = True


def _build(context: "FoldContext[NetworkModel]", data: TrainingData) -> nn.Module:
    shape = tensors.sequences(data).shape[2:]
    return untrained_network.build(context, shape=shape, outputs=data.target.outputs)


def predict(
    fitted: "FittedFold[NetworkModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Predictions for any clips by the trained network [shape=(len(ids), outputs)]."""
    where = device()
    assert data.mel is not None
    numbers = np.array(positions(data.mel.ids, ids, "spectrogram"))
    network = trained_network.load_weights(_build(fitted, data), fitted.weights, where)
    examples = memmap.examples(tensors.sequences(data), numbers, where)
    return trained_network.predict(network, [examples], data.target)


def fit_predict(context: "FoldContext[NetworkModel]", data: TrainingData) -> FoldResult:
    """Train a network and predict the test clips; all restarts have the same validation clips."""
    train, val = validation.early_stopping_part(context, data)
    assert data.mel is not None
    sides, values = (train, val, context.fold.test), tensors.sequences(data)
    return early_stopping.fit_clips(
        context,
        lambda: _build(context, data),
        tensors.parts(values, data.mel.ids, sides, data, device()),
        data.target,
        context.effective_config(context.params.training),
        "training",
    )
