"""Train a hybrid on one fold: the table's branch, the spectrogram's, then both joined."""

from typing import Any

import numpy as np
import torch
from sklearn.model_selection import KFold

from mer.config import Profile
from mer.device import device
from mer.learn import inputs, loop
from mer.learn.loop import weights
from mer.learn.material import Material
from mer.types import Fold

uses_device = True
READ = (inputs.examples, inputs.targets)


def pretraining_clips(fold: Fold, leak: str) -> tuple[str, ...]:
    """The clips that the CNN's pre-training sees.

    Parameters
    ----------
    leak : str
        Of the policy. ``mismatched_folds``: those of the fold of the same number
        in another, unstratified list over the same clips, as the authors' released code has it
        (evaluation of the 80.24); most of the fold's test clips are among them. Else the fold's
        training clips.
    """
    if leak != "mismatched_folds":
        return fold.train
    everyone = np.array(sorted((*fold.train, *fold.val, *fold.test)))
    folds = KFold(round(len(everyone) / len(fold.test)), shuffle=True, random_state=fold.repeat)
    return tuple(everyone[list(folds.split(everyone))[fold.fold][0]].tolist())


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
    """Three trainings on the same training clips, but for a leak; only the CNN's sees their copies.

    With ``fidelity: released`` the fusion starts from an untrained CNN, as the released code does
    (methods A5), and batch norms keep their running statistics.
    """
    where, described = device(), fidelity == "described"
    table, test_table = inputs.tables(material, fold.train, fold.test, where)
    mel, y = (read(material, fold.train, where, copies=False) for read in READ)

    def train(
        phase: str, network: torch.nn.Module, x: list[torch.Tensor], y: torch.Tensor
    ) -> np.ndarray:
        recipe = inputs.shortened(getattr(params, phase), profile)
        curve = loop.fit(network.to(where), x, y, recipe, seed=seed)
        if described:
            loop.settle(network, x)
        return curve

    torch.manual_seed(seed)
    shape, classes = tuple(mel.shape[1:]), len(material.classes)
    dnn, cnn, fusion = module.build(params, shape=shape, features=table.shape[1], classes=classes)
    curves = {"dnn": train("dnn", dnn, [table], y)}
    if described:
        clips = pretraining_clips(fold, material.leak)
        many, of_many = (read(material, clips, where, copies=True) for read in READ)
        curves["pretraining"] = train("pretraining", cnn, [many], of_many)
    network = fusion(cnn, dnn, classes)
    curves["fusion"] = train("fusion", network, [mel, table], y)
    test_mel = inputs.examples(material, fold.test, where, copies=False)
    return {
        "probabilities": loop.predict(network, [test_mel, test_table]),
        **{f"curve.{n}_{phase}": curve for n, (phase, curve) in enumerate(curves.items(), 1)},
        **weights(network),
    }
