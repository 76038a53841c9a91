"""The inputs and targets of a network's training on one fold, as tensors on the device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mer.learn import memmap
from mer.learn.data import TrainingData
from mer.learn.deviations import deviations, inverses
from mer.learn.forward import Examples
from mer.types import positions


def examples(
    data: TrainingData, ids: Sequence[str], device: torch.device, *, augmented: bool
) -> Tensor:
    """Inputs of clips, then, with ``augmented``, those of their augmented versions, clip by clip.

    A clip that is cut into segments gives an example per segment.

    Returns
    -------
    Tensor [shape=(n * (1 + versions) * segments, frames, mels) or (..., samples), dtype=float16]
    """
    source = data.segmented_waveforms or data.mel
    assert source is not None
    rows = source.rows(ids)
    shape = rows.shape[-1:] if data.segmented_waveforms else rows.shape[-2:]
    blocks = [rows.reshape(-1, *shape)]
    if augmented and data.augmented is not None:
        blocks.append(data.augmented.rows(ids).reshape(-1, *shape))
    return torch.from_numpy(np.concatenate(blocks)).to(device)


def targets(
    data: TrainingData, ids: Sequence[str], device: torch.device, *, augmented: bool
) -> Tensor:
    """The labels of the rows of ``examples``; see ``Target.array``."""
    y = data.targets_of(ids)
    if augmented and data.augmented is not None:
        y = np.concatenate([y, y.repeat(len(data.augmented.names), axis=0)])
    return torch.from_numpy(y.repeat(data.segments_per_clip, axis=0)).to(device)


STANDARDIZATION = ("table_mean", "table_inverse_std")


def standardization(data: TrainingData, known: Sequence[str]) -> dict[str, np.ndarray]:
    """``table_mean`` and ``table_inverse_std`` of the features of the clips ``known`` [shape=(d,)].

    The latter is 1 over the standard deviation, and 0 of a column that is constant over these clips.
    """
    assert data.table is not None
    rows = data.table.rows(known).astype(np.float64)
    return dict(zip(STANDARDIZATION, (rows.mean(0), inverses(deviations(rows))), strict=True))


def features(
    data: TrainingData,
    standardized_by: Mapping[str, np.ndarray],
    ids: Sequence[str],
    device: torch.device,
) -> Tensor:
    """Features of clips, standardized.

    Parameters
    ----------
    standardized_by : mapping of str to np.ndarray
        What ``standardization`` returned; other arrays may stand beside it.

    Returns
    -------
    Tensor [shape=(n, d), dtype=float32]
        A column that is constant over the known clips is 0.
    """
    assert data.table is not None
    mean, scale = (standardized_by[name] for name in STANDARDIZATION)
    scaled = ((data.table.rows(ids) - mean) * scale).astype(np.float32)
    return torch.from_numpy(scaled).to(device)


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
