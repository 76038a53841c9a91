"""What one fold of a network's training reads, as tensors on the device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mer.learn.data import TrainingData
from mer.schema.profiles import Profile
from mer.schema.training import TrainingConfig


def apply_profile(config: TrainingConfig, profile: Profile) -> TrainingConfig:
    """The config under a profile: its precision, its batch, and no more epochs than it allows."""
    epochs = config.smoke_test_epochs if profile.short else config.max_epochs
    changes = {
        "precision": profile.precision,
        "batch_size": profile.batch or config.batch_size,
        "max_epochs": min(epochs, profile.epochs or epochs),
    }
    return config.model_copy(update=changes)


def examples(
    material: TrainingData, ids: Sequence[str], device: torch.device, *, augmented: bool
) -> Tensor:
    """What a network takes of the clips, then, with ``augmented``, clip by clip of their augmented ones.

    A clip that is cut gives an example per segment, one behind the other.

    Returns
    -------
    Tensor [shape=(n * (1 + versions) * segments, frames, mels) or (..., samples), dtype=float16]
    """
    source = material.waves or material.mel
    assert source is not None
    rows = source.rows(ids)
    shape = rows.shape[1 + (material.segments > 1) :]
    blocks = [rows.reshape(-1, *shape)]
    if augmented and material.copies is not None:
        blocks.append(material.copies.rows(ids).reshape(-1, *shape))
    return torch.from_numpy(np.concatenate(blocks)).to(device)


def targets(
    material: TrainingData, ids: Sequence[str], device: torch.device, *, augmented: bool
) -> Tensor:
    """Class indices of the rows of ``examples``."""
    y = np.array([material.labels[i] for i in ids])
    if augmented and material.copies is not None:
        y = np.concatenate([y, y.repeat(len(material.copies.names))])
    return torch.from_numpy(y.repeat(material.segments)).to(device)


def features(
    material: TrainingData, known: Sequence[str], ids: Sequence[str], device: torch.device
) -> Tensor:
    """Features of clips, centred and scaled by the statistics of the clips ``known``.

    Returns
    -------
    Tensor [shape=(n, d), dtype=float32]
        A column that is constant over the known clips is 0.
    """
    assert material.table is not None
    rows = material.table.rows(known).astype(np.float64)
    mean, deviation = rows.mean(0), rows.std(0)
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    scaled = ((material.table.rows(ids) - mean) * scale).astype(np.float32)
    return torch.from_numpy(scaled).to(device)
