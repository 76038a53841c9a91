"""Train a hybrid on one fold: the branch of the table, the branch of the spectrogram, then their fusion."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.model_selection import KFold
from torch import Tensor, nn

from mer.learn import hyperparameter_search, loop, tensors, trained_network
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.result import FoldResult, TrainingPhase, Trial
from mer.runtime.device import arithmetic, device
from mer.schema.training import TrainingConfig
from mer.targets.target import Target
from mer.types import Fold

if TYPE_CHECKING:
    from mer.contracts.interfaces import HybridModel

uses_device = True

SEARCHED = ("batch_size", "optimizer", "lr")

Fit = Callable[[TrainingConfig], tuple[nn.Module, list[TrainingPhase]]]


def pretraining_clips(fold: Fold, leak: str) -> tuple[str, ...]:
    """The clips that pre-train the network of the spectrogram.

    Parameters
    ----------
    leak : str
        The ``leak`` of the augmentation policy. ``mismatched_folds``: the training clips of the fold of
        the same number in another, unstratified list of folds, a possible mistake of the authors' code
        (docs/methods.md, "Louro's Hybrid"); they include most test clips of this fold. Else the fold's
        training clips.
    """
    if leak != "mismatched_folds":
        return fold.train
    everyone = np.array(sorted((*fold.train, *fold.val, *fold.test)))
    count = max(round(len(everyone) / len(fold.test)), fold.fold + 1, 2)  # folds differ in size
    folds = KFold(count, shuffle=True, random_state=fold.repeat)
    return tuple(everyone[list(folds.split(everyone))[fold.fold][0]].tolist())


def _scaling_clips(context: "FoldContext[HybridModel]") -> tuple[str, ...]:
    """The clips whose mean and deviation standardise the table."""
    fold = context.fold
    return fold.train if context.described else (*fold.train, *fold.val, *fold.test)


def _table(context: "FoldContext[HybridModel]", data: TrainingData, ids: Sequence[str]) -> Tensor:
    """The standardised features of clips."""
    standardized_by = tensors.standardization(data, _scaling_clips(context))
    return tensors.features(data, standardized_by, ids, device())


def _spectrograms(data: TrainingData, ids: Sequence[str], *, augmented: bool) -> list[Tensor]:
    """The spectrograms of clips and their labels."""
    where = device()
    mel = tensors.examples(data, ids, where, augmented=augmented)
    return [mel, tensors.targets(data, ids, where, augmented=augmented)]


def _search(
    context: "FoldContext[HybridModel]", data: TrainingData, fit: Fit, read: list[Tensor]
) -> tuple[TrainingConfig, list[Trial]]:
    """The configuration whose network is the best on the fold's validation clips, and the trials.

    With the fidelity ``released`` the objective is the training accuracy, as in the code of the authors'
    group (docs/methods.md, "Louro's Hybrid on MERGE").

    Parameters
    ----------
    read : list of Tensor
        All tensors that the trainings read.
    """
    params, clips = context.params, context.fold.val
    table, (mel, y) = _table(context, data, clips), _spectrograms(data, clips, augmented=False)

    def objective(config: TrainingConfig) -> float:
        network, phases = fit(config)
        if not context.described:
            return float(phases[-1].curve[-1, 1])
        found = trained_network.predict(network, [mel, table], data.target)
        return data.target.quality(found, [data.labels[id_] for id_ in clips])

    return hyperparameter_search.search(
        params.tuning,
        params.fusion,
        objective,
        name=hyperparameter_search.study_name(
            context, arithmetic(device()), [*read, mel, table, y]
        ),
        seed=context.seed,
        profile=context.profile,
        method=params.search,
    )


def predict(
    fitted: "FittedFold[HybridModel]", data: TrainingData, ids: Sequence[str]
) -> np.ndarray:
    """Predictions for any clips by the trained fusion [shape=(len(ids), outputs)]."""
    where, outputs = device(), data.target.outputs
    mel = tensors.examples(data, ids, where, augmented=False)
    table = tensors.features(data, fitted.weights, ids, where)
    shape = (mel.shape[1], mel.shape[2])
    dnn, cnn, fusion = fitted.model.build(
        fitted.params, shape=shape, features=table.shape[1], outputs=outputs
    )
    weights = {k: v for k, v in fitted.weights.items() if k not in tensors.STANDARDIZATION}
    network = trained_network.load_weights(fusion(cnn, dnn, outputs), weights, where)
    return trained_network.predict(network, [mel, table], data.target)


def _train(
    context: "FoldContext[HybridModel]",
    name: str,
    position: int,
    network: nn.Module,
    x: list[Tensor],
    y: Tensor,
    config: TrainingConfig,
    target: Target,
) -> TrainingPhase:
    """Train one of the networks in place."""
    config, network = context.effective_config(config), network.to(y.device)
    fit = partial(loop.fit, network, x, y, config, seed=context.restart_seed, objective=target)
    phase = loop.timed(name, len(y), fit, position=position)
    if config.update_bn:
        trained_network.update_bn(network, x)
    return phase


def _fit(
    context: "FoldContext[HybridModel]",
    target: Target,
    inputs: list[Tensor],
    y: Tensor,
    pretraining: list[Tensor],
) -> Fit:
    """The function that trains the hybrid; two calls with one configuration give the same.

    A configuration is that of the fusion. With ``tunes: all`` its batch size, optimizer and learning rate
    are those of the branches as well, which are then trained in each call; else they are trained once.

    Parameters
    ----------
    inputs : list of Tensor
        Spectrograms and table of the training clips.
    pretraining : list of Tensor
        Spectrograms and labels that pre-train the branch of the spectrogram; may be empty.
    """
    (mel, table), params = inputs, context.params

    @cache
    def branches(
        chosen: TrainingConfig | None,
    ) -> tuple[list[nn.Module], Any, Tensor, list[TrainingPhase]]:
        same = {k: getattr(chosen, k) for k in SEARCHED} if chosen else {}
        torch.manual_seed(context.restart_seed)
        dnn, cnn, fusion = context.model.build(
            params,
            shape=(mel.shape[1], mel.shape[2]),
            features=table.shape[1],
            outputs=target.outputs,
        )
        config = params.dnn.model_copy(update=same)
        phases = [_train(context, "dnn", 1, dnn, [table], y, config, target)]
        if pretraining:
            config = params.pretraining.model_copy(update=same)
            more, many_y = pretraining
            phases.append(_train(context, "pretraining", 2, cnn, [more], many_y, config, target))
        return [cnn, dnn], fusion, torch.get_rng_state(), phases

    def fit(config: TrainingConfig) -> tuple[nn.Module, list[TrainingPhase]]:
        tunes_branches = params.tunes == "all" and params.search != "none" and context.fold.val
        (cnn, dnn), fusion, state, phases = branches(config if tunes_branches else None)
        torch.set_rng_state(state)
        network = fusion(deepcopy(cnn), dnn, target.outputs)
        phase = _train(context, "fusion", 3, network, inputs, y, config, target)
        return network, [*phases, phase]

    return fit


def fit_predict(context: "FoldContext[HybridModel]", data: TrainingData) -> FoldResult:
    """Train both branches and their fusion on the training clips and predict the test clips.

    Only the pre-training of the spectrogram's branch reads augmented versions. With the fidelity
    ``released`` that branch is not pre-trained, all clips standardise the table, and batch norms keep their
    running statistics (docs/methods.md, "Louro's Hybrid").
    """
    params, fold, target = context.params, context.fold, data.target
    table, test_table = (_table(context, data, ids) for ids in (fold.train, fold.test))
    mel, y = _spectrograms(data, fold.train, augmented=False)
    clips = pretraining_clips(fold, data.leak) if context.described else ()
    pretraining = _spectrograms(data, clips, augmented=True) if clips else []

    fit = _fit(context, target, [mel, table], y, pretraining)
    config, trials = params.fusion, list[Trial]()
    if params.search != "none" and fold.val:
        config, trials = _search(context, data, fit, [mel, table, y, *pretraining])
    network, phases = fit(config)
    test_mel = tensors.examples(data, fold.test, device(), augmented=False)
    found = trained_network.predict(network, [test_mel, test_table], target)
    weights = trained_network.weights(network) | tensors.standardization(
        data, _scaling_clips(context)
    )
    return FoldResult(found, phases=phases, trials=trials, weights=weights)
