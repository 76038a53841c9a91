"""Train a hybrid on one fold: the table's branch, the spectrogram's, then both joined."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold
from torch import Tensor, nn

from mer.config import Profile
from mer.device import device
from mer.learn import inputs, loop, tuning
from mer.learn.kept import Kept, fill
from mer.learn.loop import weights
from mer.learn.material import Material
from mer.recipe import Recipe
from mer.types import Fold

uses_device = True
answer_reads: tuple[str, ...] = ("table",)
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


def _known(fold: Fold, fidelity: str) -> tuple[str, ...]:
    """The clips whose statistics scale the table."""
    return fold.train if fidelity == "described" else (*fold.train, *fold.val, *fold.test)


def _chosen(
    params: Any,
    material: Material,
    fold: Fold,
    fused: Callable[[Recipe], tuple[nn.Module, dict[str, np.ndarray]]],
    read: list[Tensor],
    *,
    seed: int,
    fidelity: str,
    profile: Profile,
) -> tuple[Recipe, np.ndarray]:
    """The fusion's recipe that is best on the fold's validation part, and the trials.

    With ``fidelity: released`` best is the training accuracy, as in the code of the poster's group.

    Parameters
    ----------
    read : list of Tensor
        All that the trainings read.
    """
    where = device()
    table = inputs.features(material, _known(fold, fidelity), fold.val, where)
    mel, y = (take(material, fold.val, where, copies=False) for take in READ)

    def objective(recipe: Recipe) -> float:
        network, fusing = fused(recipe)
        if fidelity == "released":
            return float(fusing["curve.3_fusion"][-1, 1])
        found = loop.predict(network, [mel, table]).argmax(1)
        return f1_score(y.cpu().numpy(), found, average="weighted", zero_division=0)

    decides = params.model_dump(exclude={"tuning": {"storage"}}), profile, seed, fidelity
    name = tuning.key(decides, [*read, mel, table, y])
    return tuning.search(
        params.tuning, params.fusion, objective, name=name, seed=seed, profile=profile
    )


def answer(kept: Kept, material: Material, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the fusion that a training left; see ``mer.learn.crossval``."""
    where, classes = device(), len(material.classes)
    mel = inputs.examples(material, ids, where, copies=False)
    table = inputs.features(material, kept.fold.train, ids, where)
    shape, features = tuple(mel.shape[1:]), table.shape[1]
    dnn, cnn, fusion = kept.module.build(
        kept.params, shape=shape, features=features, classes=classes
    )
    network = fill(fusion(cnn, dnn, classes), kept.weights, where)
    return loop.predict(network, [mel, table])


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

    The third may be tried with several recipes first. With ``fidelity: released`` the fusion starts from
    an untrained CNN and all clips scale the table, as in the released code (methods A5), and batch norms
    keep their running statistics.
    """
    where, described = device(), fidelity == "described"
    known = _known(fold, fidelity)
    table, test_table = (
        inputs.features(material, known, ids, where) for ids in (fold.train, fold.test)
    )
    mel, y = (take(material, fold.train, where, copies=False) for take in READ)
    clips = pretraining_clips(fold, material.leak) if described else ()
    many = [take(material, clips, where, copies=True) for take in READ] if described else []

    def train(
        phase: str, network: nn.Module, x: list[Tensor], y: Tensor, recipe: Recipe
    ) -> dict[str, np.ndarray]:
        recipe = inputs.shortened(recipe, profile)
        fitted = partial(loop.fit, network.to(where), x, y, recipe, seed=seed)
        arrays = loop.timed(phase, len(y), fitted)
        if described:
            loop.settle(network, x)
        return arrays

    torch.manual_seed(seed)
    shape, classes = tuple(mel.shape[1:]), len(material.classes)
    dnn, cnn, fusion = module.build(params, shape=shape, features=table.shape[1], classes=classes)
    arrays = train("1_dnn", dnn, [table], y, params.dnn)
    if described:
        arrays |= train("2_pretraining", cnn, many[:1], many[1], params.pretraining)
    start = torch.get_rng_state()

    def fused(recipe: Recipe) -> tuple[nn.Module, dict[str, np.ndarray]]:
        """The fusion of the trained branches, which stay as they are; the same at each call."""
        torch.set_rng_state(start)
        network = fusion(deepcopy(cnn), dnn, classes)
        return network, train("3_fusion", network, [mel, table], y, recipe)

    recipe = params.fusion
    if params.search == "bayes" and fold.val:
        recipe, arrays["trials"] = _chosen(
            params,
            material,
            fold,
            fused,
            [mel, table, y, *many],
            seed=seed,
            fidelity=fidelity,
            profile=profile,
        )
    network, fusing = fused(recipe)
    test_mel = inputs.examples(material, fold.test, where, copies=False)
    return {
        "probabilities": loop.predict(network, [test_mel, test_table]),
        **arrays,
        **fusing,
        **weights(network),
    }
