"""Training of the convolutional autoencoder of whole spectrograms."""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from mer.learn import loop
from mer.learn.result import TrainingPhase
from mer.learn.reuse import trained_once
from mer.networks.autoencoder import Autoencoder
from mer.schema.training import TrainingConfig

RECONSTRUCTION = loop.Objective(lambda found, wanted: functional.mse_loss(found, wanted.float()))


def train(
    scaled: Tensor, config: TrainingConfig, name: str, *, position: int, seed: int
) -> tuple[Autoencoder, TrainingPhase]:
    """An autoencoder trained on spectrograms in -1..1, and the phase of its training, without accuracies.

    The same training of another experiment is not repeated, see ``mer.learn.reuse``.

    Parameters
    ----------
    scaled : Tensor [shape=(n, frames, mels)]
        Spectrograms in -1..1.
    name, position : see ``TrainingPhase``
    """
    torch.manual_seed(seed)
    network = Autoencoder().to(scaled.device)
    fit = partial(loop.fit, network, [scaled], scaled, config, seed=seed, objective=RECONSTRUCTION)
    timed = partial(loop.timed, name, len(scaled), fit, position=position)
    phase = trained_once(network, [scaled], config, timed, seed=seed)
    return network, replace(phase, name=name, position=position)
