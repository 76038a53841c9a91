"""Train a network on whole clips, each a sequence of segments."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mer.config import Profile
from mer.device import device
from mer.learn import inputs, loop, rounds, rows
from mer.learn.kept import Kept, fill
from mer.learn.material import Material
from mer.types import Fold, positions

uses_device = True
answer_reads: tuple[str, ...] = ()


def answer(kept: Kept, material: Material, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the first round's network; see ``mer.learn.crossval``."""
    values, where = rounds.sequences(material), device()
    assert material.mel is not None
    numbers = np.array(positions(material.mel.ids, ids, "spectrogram"))
    classes = len(material.classes)
    network = kept.module.build(kept.params, shape=values.shape[2:], classes=classes)
    network = fill(network, kept.weights, where)
    return loop.predict(network, [rows.examples(values, numbers, where)])


def fit_predict(
    module: Any,
    params: Any,
    material: Material,
    fold: Fold,
    *,
    seed: int,
    fidelity: str,
    profile: Profile,
) -> dict[str, np.ndarray]:
    """As many rounds as the model's ``params`` say, by one validation; see ``mer.learn.crossval``."""
    values, where = rounds.sequences(material), device()
    train, val = rounds.validation(
        fold, material.labels, params.validation, seed=seed, fidelity=fidelity
    )
    assert material.mel is not None
    return rounds.classify(
        lambda: module.build(params, shape=values.shape[2:], classes=len(material.classes)),
        rounds.parts(values, material.mel.ids, (train, val, fold.test), material.labels, where),
        inputs.shortened(params.training, profile),
        "training",
        seeds=rounds.seeds(seed, params, profile),
        patience=params.patience,
    )
