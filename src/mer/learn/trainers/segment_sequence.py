"""Train a network on whole clips, each a sequence of segments."""

from collections.abc import Sequence

import numpy as np

from mer.learn import loop, memmap, restarts, tensors
from mer.learn.context import Kept, Training
from mer.learn.data import Material
from mer.runtime.device import device
from mer.types import positions

uses_device = True
answer_reads: tuple[str, ...] = ()


def answer(kept: Kept, material: Material, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the first round's network; see ``mer.learn.cross_validation``."""
    values, where = restarts.sequences(material), device()
    assert material.mel is not None
    numbers = np.array(positions(material.mel.ids, ids, "spectrogram"))
    classes = len(material.classes)
    network = kept.module.build(kept.params, shape=values.shape[2:], classes=classes)
    network = loop.fill(network, kept.weights, where)
    return loop.predict(network, [memmap.examples(values, numbers, where)])


def fit_predict(training: Training, material: Material) -> dict[str, np.ndarray]:
    """As many rounds as the model's ``params`` say, by one validation.

    See ``mer.learn.cross_validation``.
    """
    params, shape = training.params, restarts.sequences(material).shape[2:]
    train, val = restarts.validation(training, material.labels)
    assert material.mel is not None
    sides = train, val, training.fold.test
    return restarts.classify(
        lambda: training.module.build(params, shape=shape, classes=len(material.classes)),
        restarts.parts(
            restarts.sequences(material), material.mel.ids, sides, material.labels, device()
        ),
        tensors.shortened(params.training, training.profile),
        "training",
        seeds=training.seeds,
        patience=params.patience,
    )
