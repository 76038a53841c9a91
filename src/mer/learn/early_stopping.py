"""Training with early stopping on validation clips, on segments of clips or on sequences of segments."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from torch import nn

from mer.learn import loop, trained_network
from mer.learn.context import FoldContext
from mer.learn.loop import EarlyStopping, Objective
from mer.learn.result import FoldResult, TrainingPhase
from mer.learn.tensors import Part, Parts
from mer.schema.training import TrainingConfig
from mer.targets.target import Target


def fit(
    network: nn.Module,
    train: Part,
    val: Part,
    config: TrainingConfig,
    name: str,
    *,
    seed: int,
    patience: int,
    monitor: Literal["loss", "accuracy"],
    objective: Target | Objective,
) -> TrainingPhase:
    """Train in place until the validation figure has not improved for ``patience`` epochs.

    Parameters
    ----------
    name : see ``TrainingPhase``
    """
    training = partial(
        loop.fit,
        network,
        [train.inputs],
        train.targets,
        config,
        seed=seed,
        objective=objective,
        early_stopping=EarlyStopping([val.inputs], val.targets, monitor, patience),
    )
    return loop.timed(name, len(train.targets), training)


def fit_clips(
    context: FoldContext[Any],
    build: Callable[[], nn.Module],
    clips: Parts,
    target: Target,
    config: TrainingConfig,
    name: str,
) -> FoldResult:
    """Train a network from the seed of the restart on clips, and predict the test clips.

    Parameters
    ----------
    build : callable
        Returns an untrained network.
    name : str
        Name of the phase.
    """
    torch.manual_seed(context.restart_seed)
    network = build().to(clips.train.targets.device)
    phase = fit(
        network,
        clips.train,
        clips.val,
        config,
        name,
        seed=context.restart_seed,
        patience=context.params.patience,
        monitor=target.monitor,
        objective=target,
    )
    predicted = trained_network.predict(network, [clips.test.inputs], target)
    return FoldResult(predicted, phases=[phase], weights=trained_network.weights(network))
