"""Train a hybrid on one fold: the table's branch, the spectrogram's, then both joined."""

from typing import Any

import numpy as np
import torch

from mer.config import Profile
from mer.device import device
from mer.learn import inputs, loop
from mer.learn.material import Material
from mer.learn.network import weights
from mer.types import Fold


def alone() -> bool:
    """Whether a fold needs the device to itself."""
    return device().type == "cuda"


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
    """Three trainings on the same training clips; only the CNN's sees their copies.

    With ``fidelity: released`` the fusion starts from an untrained CNN, as the released code does
    (methods A5), and batch norms keep their running statistics.
    """
    where, described = device(), fidelity == "described"
    table, test_table = inputs.tables(material, fold.train, fold.test, where)
    mel = inputs.examples(material, fold.train, where, copies=True)
    copied = inputs.targets(material, fold.train, where, copies=True)
    originals = len(fold.train)

    def train(phase: str, network: torch.nn.Module, x: list[torch.Tensor]) -> np.ndarray:
        recipe = inputs.shortened(getattr(params, phase), profile)
        curve = loop.fit(network.to(where), x, copied[: len(x[0])], recipe, seed=seed)
        if described:
            loop.settle(network, x)
        return curve

    torch.manual_seed(seed)
    shape, classes = tuple(mel.shape[1:]), len(material.classes)
    dnn, cnn, fusion = module.build(params, shape=shape, features=table.shape[1], classes=classes)
    curves = {"dnn": train("dnn", dnn, [table])}
    if described:
        curves["pretraining"] = train("pretraining", cnn, [mel])
    network = fusion(cnn, dnn, classes)
    curves["fusion"] = train("fusion", network, [mel[:originals], table])
    test_mel = inputs.examples(material, fold.test, where, copies=False)
    return {
        "probabilities": loop.predict(network, [test_mel, test_table]),
        **{f"curve.{n}_{phase}": curve for n, (phase, curve) in enumerate(curves.items(), 1)},
        **weights(network),
    }
