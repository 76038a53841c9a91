"""Trainings that several others share: a trained network is kept, and found again by its inputs.

He and Ferguson's autoencoder is the same for valence and arousal, for all restarts of a fold, and for every
recurrent layer that classifies its codes; it takes most of the hours. The networks lie in ``.mer/trained``
for a month after their last use; the folder can be deleted at any time.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mer.io.checkpoints import KEPT, package_digest, read_result, write_result
from mer.learn import trained_network
from mer.learn.forward import Examples
from mer.learn.result import FoldResult, TrainingPhase
from mer.runtime.device import arithmetic
from mer.runtime.locks import wait_for_lock
from mer.schema.training import TrainingConfig

FOLDER = Path(".mer/trained")
BATCH = 256


def _digest(
    network: nn.Module, examples: Sequence[Examples], config: TrainingConfig, facts: object
) -> str:
    """Digest of everything that decides the trained weights."""
    rounding = arithmetic(examples[0].device)
    named = [package_digest(), *rounding, config.model_dump(), str(network), facts]
    digest = hashlib.sha256(json.dumps(named).encode())
    for name, array in trained_network.weights(network).items():
        digest.update(name.encode() + array.tobytes())
    for part in examples:
        digest.update(f"{len(part)}".encode())
        for rows in torch.arange(len(part), device=part.device).split(BATCH):
            digest.update(np.ascontiguousarray(part[rows].cpu().numpy()).tobytes())
    return digest.hexdigest()[:32]


def _remove_unused(folder: Path) -> None:
    """Remove the networks that no training has used for ``KEPT`` seconds."""
    for path in folder.glob("*.safetensors"):
        with suppress(FileNotFoundError):  # another process may remove it, too
            if time.time() - path.stat().st_mtime > KEPT:
                path.unlink()


def trained_once(
    network: nn.Module,
    examples: Sequence[Examples],
    config: TrainingConfig,
    train: Callable[[], TrainingPhase],
    **facts: Any,
) -> TrainingPhase:
    """Train a network in place, or load the weights that the same training has given before.

    If another process is at this training, the call waits for it.

    Parameters
    ----------
    network : nn.Module
        As it is initialised.
    examples : sequence of Examples
        All examples that the training reads.
    train : callable
        Trains ``network`` in place; called where no such training is known.
    **facts : JSON-serialisable
        What else decides the weights: the seed, the patience, ….

    Returns
    -------
    TrainingPhase
        The training, with the seconds that it once took.
    """
    path = FOLDER / f"{_digest(network, examples, config, facts)}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    with wait_for_lock(path.with_suffix(".lock")):
        if known := read_result(FoldResult, path):
            with suppress(FileNotFoundError):
                os.utime(path)
            trained_network.load_weights(network, known.weights, examples[0].device)
            return known.phases[0]
        _remove_unused(path.parent)
        phase = train()
        write_result(
            FoldResult(np.empty(0), phases=[phase], weights=trained_network.weights(network)), path
        )
        return phase
