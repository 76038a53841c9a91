"""Train a network on whole clips, each a sequence of segments."""

from collections.abc import Sequence

import numpy as np

from mer.learn import loop, memmap, restarts, tensors
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.runtime.device import device
from mer.types import positions

uses_device = True
predict_reads: tuple[str, ...] = ()


def predict(fitted: FittedFold, material: TrainingData, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the first round's network; see ``mer.learn.cross_validation``."""
    values, where = restarts.sequences(material), device()
    assert material.mel is not None
    numbers = np.array(positions(material.mel.ids, ids, "spectrogram"))
    classes = len(material.classes)
    network = fitted.module.build(fitted.params, shape=values.shape[2:], classes=classes)
    network = loop.load_weights(network, fitted.weights, where)
    return loop.predict(network, [memmap.examples(values, numbers, where)])


def fit_predict(context: FoldContext, material: TrainingData) -> dict[str, np.ndarray]:
    """As many rounds as the model's ``params`` say, by one validation.

    See ``mer.learn.cross_validation``.
    """
    params, shape = context.params, restarts.sequences(material).shape[2:]
    train, val = restarts.validation(context, material.labels)
    assert material.mel is not None
    sides = train, val, context.fold.test
    return restarts.classify(
        lambda: context.module.build(params, shape=shape, classes=len(material.classes)),
        restarts.parts(
            restarts.sequences(material), material.mel.ids, sides, material.labels, device()
        ),
        tensors.apply_profile(params.training, context.profile),
        "training",
        seeds=context.seeds,
        patience=params.patience,
    )
