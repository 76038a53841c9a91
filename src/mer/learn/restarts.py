"""Restarts of a classifier from other seeds, and the validation of trainings on sequences of segments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from mer.learn import loop, memmap
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.loop import CLASSIFICATION, EarlyStopping, Examples, Objective
from mer.learn.result import FoldResult, TrainingPhase
from mer.schema.training import TrainingConfig
from mer.seeds import generator
from mer.types import positions


def validation(
    context: FoldContext[Any], labels: Mapping[str, int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The clips of a fold that train and those that validate.

    With the fidelity ``described``, the protocol's own validation clips validate, or else a random share
    of the training clips of each class, at least one of a class of two or more. With ``released``, the test
    clips validate: He & Ferguson name no other part (docs/methods.md, "He and Ferguson's evaluation").
    """
    fold, share = context.fold, context.params.validation
    if not context.described:
        return fold.train, fold.test
    if fold.val:
        return fold.train, fold.val
    rng, held_out = generator(context.seed, "validation"), set[str]()
    for label in sorted({labels[i] for i in fold.train}):
        clips = [i for i in fold.train if labels[i] == label]
        count = min(max(1, round(share * len(clips))), len(clips) - 1)
        held_out.update(clips[n] for n in rng.permutation(len(clips))[:count])
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
    labels: Mapping[str, int],
    device: torch.device,
) -> Parts:
    """The parts of a fold, with class indices as targets.

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
        targets = torch.tensor([labels[i] for i in ids], device=device)
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
    objective: Objective = CLASSIFICATION,
    restart: int = 0,
) -> TrainingPhase:
    """Train in place until the validation figure has not improved for ``patience`` epochs.

    Parameters
    ----------
    name, restart : see ``TrainingPhase``
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
    return loop.timed(name, len(train.targets), training, restart=restart)


def classify(
    build: Callable[[], nn.Module],
    clips: Parts,
    config: TrainingConfig,
    name: str,
    *,
    seeds: Sequence[int],
    patience: int,
) -> FoldResult:
    """Train a classifier of clips once per restart and predict the test clips.

    Parameters
    ----------
    build : callable
        Returns an untrained network.
    name : str
        Name of the phases.
    seeds : sequence of int
        A seed for each restart.
    """
    phases: list[TrainingPhase] = []
    probabilities = []
    weights: dict[str, np.ndarray] = {}
    for restart, seed in enumerate(seeds):
        torch.manual_seed(seed)
        network = build().to(clips.train.targets.device)
        phase = fit(
            network,
            clips.train,
            clips.val,
            config,
            name,
            seed=seed,
            patience=patience,
            monitor="accuracy",
            restart=restart,
        )
        phases.append(phase)
        probabilities.append(loop.predict(network, [clips.test.inputs]))
        if restart == 0:
            weights = loop.weights(network)
    return FoldResult(np.stack(probabilities), phases=phases, weights=weights)
