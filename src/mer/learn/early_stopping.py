"""Training with early stopping on validation clips, on segments of clips or on sequences of segments."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from mer.errors import MerError
from mer.learn import loop, memmap, trained_network, validation
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.loop import EarlyStopping, Examples, Objective
from mer.learn.result import FoldResult, TrainingPhase
from mer.schema.training import TrainingConfig
from mer.seeds import generator
from mer.targets.target import Target
from mer.types import positions


def validation_part(
    context: FoldContext[Any], data: TrainingData
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The clips of a fold that train and those that validate.

    With the fidelity ``described``, the protocol's own validation clips validate, or else a random share
    of the training clips of each stratum, at least one of a stratum of two or more. With ``released``, the
    test clips validate: He & Ferguson (section 4.4) do not say where their validation clips come from
    (docs/methods.md, "He and Ferguson's evaluation"). See ``mer.learn.validation`` for artists.

    Raises
    ------
    MerError
        If no clip can be held out.
    """
    fold, share = context.fold, context.params.validation
    if not context.described:
        return fold.train, fold.test
    if fold.val:
        return fold.train, fold.val
    rng, strata, held_out = generator(context.seed, "validation"), data.strata, set[str]()
    if groups := validation.groups(data, fold):
        of_each = [strata[i] for i in fold.train]
        return validation.hold_out(fold.train, of_each, groups, share, int(rng.integers(2**31)))
    for stratum in sorted({strata[i] for i in fold.train}):
        clips = [i for i in fold.train if strata[i] == stratum]
        count = min(max(1, round(share * len(clips))), len(clips) - 1)
        held_out.update(clips[n] for n in rng.permutation(len(clips))[:count])
    if not held_out:
        raise MerError(
            f"fold {fold.fold} of repeat {fold.repeat} must have two training clips of some class, one to "
            f"train on and one to validate, and has {len(fold.train)} of as many classes; label more "
            "clips, or take a protocol with validation clips, as with `-S protocol=tvt_70_15_15`"
        )
    rest = tuple(i for i in fold.train if i not in held_out)
    return rest, tuple(i for i in fold.train if i in held_out)


@dataclass(frozen=True)
class Part:
    """The inputs and targets of one part of a fold, of clips or of segments."""

    inputs: Examples
    targets: Examples


@dataclass(frozen=True)
class Parts:
    """The three parts of a fold."""

    train: Part
    val: Part
    test: Part


def parts(
    values: np.ndarray,
    known: Sequence[str],
    sides: Sequence[Sequence[str]],
    data: TrainingData,
    device: torch.device,
) -> Parts:
    """The parts of a fold, with the labels that ``data`` gives.

    Parameters
    ----------
    values : np.ndarray [shape=(len(known), segments, ...)]
        Inputs of the clips ``known``, memory-mapped.
    sides : three sequences of str
        Ids of the training, validation and test clips.
    """
    found = []
    for ids in sides:
        numbers = np.array(positions(known, ids, "spectrogram"))
        targets = torch.from_numpy(data.targets_of(ids)).to(device)
        found.append(Part(memmap.examples(values, numbers, device), targets))
    return Parts(*found)


def sequences(data: TrainingData) -> np.ndarray:
    """The segments of the clips [shape=(n, segments, frames, mels)]; a whole clip is one segment."""
    assert data.mel is not None
    values = data.mel.values
    return values if values.ndim == 4 else values[:, None]


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
