"""Train a network on whole clips, each a sequence of segments."""

from collections.abc import Sequence

import numpy as np

from mer.device import device
from mer.learn import inputs, loop, rounds, rows
from mer.learn.kept import Kept, Training
from mer.learn.material import Material
from mer.types import positions

uses_device = True
answer_reads: tuple[str, ...] = ()


def answer(kept: Kept, material: Material, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the first round's network; see ``mer.learn.crossval``."""
    values, where = rounds.sequences(material), device()
    assert material.mel is not None
    numbers = np.array(positions(material.mel.ids, ids, "spectrogram"))
    classes = len(material.classes)
    network = kept.module.build(kept.params, shape=values.shape[2:], classes=classes)
    network = loop.fill(network, kept.weights, where)
    return loop.predict(network, [rows.examples(values, numbers, where)])


def fit_predict(training: Training, material: Material) -> dict[str, np.ndarray]:
    """As many rounds as the model's ``params`` say, by one validation; see ``mer.learn.crossval``."""
    params, shape = training.params, rounds.sequences(material).shape[2:]
    train, val = rounds.validation(training, material.labels)
    assert material.mel is not None
    sides = train, val, training.fold.test
    return rounds.classify(
        lambda: training.module.build(params, shape=shape, classes=len(material.classes)),
        rounds.parts(
            rounds.sequences(material), material.mel.ids, sides, material.labels, device()
        ),
        inputs.shortened(params.training, training.profile),
        "training",
        seeds=training.seeds,
        patience=params.patience,
    )
