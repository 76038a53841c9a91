"""Train an autoencoder on one fold's training part, and a classifier on its codes."""

from typing import Any

import numpy as np

from mer.config import Profile
from mer.device import device
from mer.learn import inputs
from mer.learn.estimator import probabilities
from mer.learn.loop import weights
from mer.learn.material import Material
from mer.learn.reconstruction import codes, trained
from mer.networks.autoencoder import Scale
from mer.types import Fold

uses_device = True


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
    """Both trainings see the fold's training clips only; see ``mer.learn.crossval``."""
    where = device()
    parts = [inputs.examples(material, ids, where, copies=False) for ids in (fold.train, fold.test)]
    train, test = (Scale(mel).forwards(mel) for mel in parts)
    recipe = inputs.shortened(params.training, profile)
    network, curve = trained(train, recipe, seed=seed)
    y = inputs.targets(material, fold.train, where, copies=False).cpu().numpy()
    classifier = module.build(params, seed=seed, fidelity=fidelity).fit(codes(network, train), y)
    return {
        "probabilities": probabilities(classifier, codes(network, test), len(material.classes)),
        "curve.1_autoencoder": curve,
        **weights(network),
    }
