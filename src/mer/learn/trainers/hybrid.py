"""Train a hybrid on one fold: the table's branch, the spectrogram's, then both joined."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial

import numpy as np
import torch
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold
from torch import Tensor, nn

from mer.learn import hyperparameter_search, loop, tensors
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.loop import weights
from mer.runtime.device import device
from mer.schema.training import TrainingConfig
from mer.types import Fold

uses_device = True
predict_reads: tuple[str, ...] = ("table",)
READ = (tensors.examples, tensors.targets)
Arrays = dict[str, np.ndarray]


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


def _known(context: FoldContext) -> tuple[str, ...]:
    """The clips whose statistics scale the table."""
    fold = context.fold
    return fold.train if context.described else (*fold.train, *fold.val, *fold.test)


def _chosen(
    context: FoldContext,
    material: TrainingData,
    fused: Callable[[TrainingConfig], tuple[nn.Module, Arrays]],
    read: list[Tensor],
) -> tuple[TrainingConfig, np.ndarray]:
    """The fusion's config that is best on the fold's validation part, and the trials.

    With ``fidelity: released`` best is the training accuracy, as in the code of the poster's group.

    Parameters
    ----------
    read : list of Tensor
        All that the trainings read.
    """
    where, params, profile = device(), context.params, context.profile
    clips, seed = context.fold.val, context.seed
    table = tensors.features(material, _known(context), clips, where)
    mel, y = (take(material, clips, where, augmented=False) for take in READ)

    def objective(config: TrainingConfig) -> float:
        network, fusing = fused(config)
        if not context.described:
            return float(fusing["curve.3_fusion"][-1, 1])
        found = loop.predict(network, [mel, table]).argmax(1)
        return f1_score(y.cpu().numpy(), found, average="weighted", zero_division=0)

    settings = params.model_dump(exclude={"tuning": {"storage"}})
    decides = settings, profile, seed, context.fidelity
    name = hyperparameter_search.key(decides, [*read, mel, table, y])
    return hyperparameter_search.search(
        params.tuning, params.fusion, objective, name=name, seed=seed, profile=profile
    )


def predict(fitted: FittedFold, material: TrainingData, ids: Sequence[str]) -> np.ndarray:
    """Probabilities of any clips, by the fusion that a training left.

    See ``mer.learn.cross_validation``.
    """
    where, classes = device(), len(material.classes)
    mel = tensors.examples(material, ids, where, augmented=False)
    table = tensors.features(material, fitted.fold.train, ids, where)
    shape, features = tuple(mel.shape[1:]), table.shape[1]
    dnn, cnn, fusion = fitted.module.build(
        fitted.params, shape=shape, features=features, classes=classes
    )
    network = loop.load_weights(fusion(cnn, dnn, classes), fitted.weights, where)
    return loop.predict(network, [mel, table])


def _trained(
    context: FoldContext,
    phase: str,
    network: nn.Module,
    x: list[Tensor],
    y: Tensor,
    config: TrainingConfig,
) -> Arrays:
    """Train one of the networks in place; what ``loop.timed`` gives."""
    config = tensors.apply_profile(config, context.profile)
    fitted = partial(loop.fit, network.to(y.device), x, y, config, seed=context.seed)
    arrays = loop.timed(phase, len(y), fitted)
    if context.described:
        loop.update_batchnorm_stats(network, x)
    return arrays


def fit_predict(context: FoldContext, material: TrainingData) -> Arrays:
    """Three trainings on the same training clips, but for a leak; only the CNN's sees their copies.

    The third may be tried with several recipes first. With ``fidelity: released`` the fusion starts from
    an untrained CNN and all clips scale the table, as in the released code (methods A5), and batch norms
    keep their running statistics.
    """
    where, params, fold = device(), context.params, context.fold
    table, test_table = (
        tensors.features(material, _known(context), ids, where) for ids in (fold.train, fold.test)
    )
    mel, y = (take(material, fold.train, where, augmented=False) for take in READ)
    clips = pretraining_clips(fold, material.leak) if context.described else ()
    many = [take(material, clips, where, augmented=True) for take in READ] if clips else []

    torch.manual_seed(context.seed)
    shape, classes = tuple(mel.shape[1:]), len(material.classes)
    dnn, cnn, fusion = context.module.build(
        params, shape=shape, features=table.shape[1], classes=classes
    )
    arrays = _trained(context, "1_dnn", dnn, [table], y, params.dnn)
    if many:
        arrays |= _trained(context, "2_pretraining", cnn, many[:1], many[1], params.pretraining)
    start = torch.get_rng_state()

    def fused(config: TrainingConfig) -> tuple[nn.Module, Arrays]:
        """The fusion of the trained branches, which stay as they are; the same at each call."""
        torch.set_rng_state(start)
        network = fusion(deepcopy(cnn), dnn, classes)
        return network, _trained(context, "3_fusion", network, [mel, table], y, config)

    config = params.fusion
    if params.search == "bayes" and fold.val:
        read = [mel, table, y, *many]
        config, arrays["trials"] = _chosen(context, material, fused, read)
    network, fusing = fused(config)
    test_mel = tensors.examples(material, fold.test, where, augmented=False)
    return {
        "probabilities": loop.predict(network, [test_mel, test_table]),
        **arrays,
        **fusing,
        **weights(network),
    }
