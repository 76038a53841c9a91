"""What trainings in rounds of other seeds share, and those on sequences of segments their validation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import nn

from mer.learn import loop, memmap
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.loop import CLASSIFICATION, EarlyStopping, Examples, Objective
from mer.schema.training import TrainingConfig
from mer.seeds import generator
from mer.types import positions

Arrays = dict[str, np.ndarray]


def validation(
    context: FoldContext, labels: Mapping[str, int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Training and validation clips of a fold.

    ``described``: the protocol's own validation clips, or else a share of the training clips, drawn from
    each class, at least one of a class of two or more. ``released``: the test clips validate, the likely
    reading of a paper that names no other part (methods D5).
    """
    fold, share = context.fold, context.params.validation
    if not context.described:
        return fold.train, fold.test
    if fold.val:
        return fold.train, fold.val
    rng, held = generator(context.seed, "validation"), set[str]()
    for label in sorted({labels[i] for i in fold.train}):
        clips = [i for i in fold.train if labels[i] == label]
        count = min(max(1, round(share * len(clips))), len(clips) - 1)
        held.update(clips[n] for n in rng.permutation(len(clips))[:count])
    rest = tuple(i for i in fold.train if i not in held)
    return rest, tuple(i for i in fold.train if i in held)


@dataclass(frozen=True)
class Part:
    """Clips, or segments, of one side of a fold, as a network takes them."""

    inputs: Examples
    targets: Examples


@dataclass(frozen=True)
class Parts:
    """The sides of a fold."""

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
    """The sides of a fold with class indices as targets.

    Parameters
    ----------
    values : np.ndarray [shape=(len(known), segments, ...)]
        Of the clips ``known``, memory-mapped.
    sides : three sequences of str
        Ids of training, validation and test clips.
    """
    found = []
    for ids in sides:
        numbers = np.array(positions(known, ids, "spectrogram"))
        targets = torch.tensor([labels[i] for i in ids], device=device)
        found.append(Part(memmap.examples(values, numbers, device), targets))
    return Parts(*found)


def sequences(material: TrainingData) -> np.ndarray:
    """The clips' segments [shape=(n, segments, frames, mels)]; a clip that is not cut is one."""
    assert material.mel is not None
    values = material.mel.values
    return values if values.ndim == 4 else values[:, None]


def fit(
    network: nn.Module,
    train: Part,
    val: Part,
    config: TrainingConfig,
    phase: str,
    *,
    seed: int,
    patience: int,
    monitor: Literal["loss", "accuracy"],
    objective: Objective = CLASSIFICATION,
) -> Arrays:
    """Train in place until validation has not improved for ``patience`` epochs.

    Returns
    -------
    dict of str to np.ndarray
        As ``loop.timed``; its seconds are with those of validation.
    """
    fitted = partial(
        loop.fit,
        network,
        [train.inputs],
        train.targets,
        config,
        seed=seed,
        objective=objective,
        early_stopping=EarlyStopping([val.inputs], val.targets, monitor, patience),
    )
    return loop.timed(phase, len(train.targets), fitted)


def classify(
    build: Callable[[], nn.Module],
    clips: Parts,
    config: TrainingConfig,
    phase: str,
    *,
    seeds: Sequence[int],
    patience: int,
) -> Arrays:
    """Train a classifier of clips once per round, each from its own of the ``seeds``.

    Returns
    -------
    dict of str to np.ndarray
        ``probabilities`` [shape=(rounds, n, C)], curve and timing per round, weights of the first.
    """
    arrays: Arrays = {}
    answers = []
    for number, own in enumerate(seeds):
        torch.manual_seed(own)
        network = build().to(clips.train.targets.device)
        arrays |= fit(
            network,
            clips.train,
            clips.val,
            config,
            f"{phase}.{number}",
            seed=own,
            patience=patience,
            monitor="accuracy",
        )
        answers.append(loop.predict(network, [clips.test.inputs]))
        if number == 0:
            arrays |= loop.weights(network)
    return {"probabilities": np.stack(answers), **arrays}
