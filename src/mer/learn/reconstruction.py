"""Train an autoencoder to return its input, and take its codes."""

from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mer.learn import loop
from mer.networks.autoencoder import Autoencoder
from mer.schema.training import TrainingConfig

BATCH = 32

RECONSTRUCTION = loop.Objective(lambda found, wanted: functional.mse_loss(found, wanted.float()))


def trained(
    scaled: Tensor, config: TrainingConfig, phase: str, *, seed: int
) -> tuple[Autoencoder, dict[str, np.ndarray]]:
    """An autoencoder of these spectrograms in -1..1, and what ``loop.timed`` gives: no accuracies."""
    torch.manual_seed(seed)
    network = Autoencoder().to(scaled.device)
    fitted = partial(
        loop.fit, network, [scaled], scaled, config, seed=seed, objective=RECONSTRUCTION
    )
    return network, loop.timed(phase, len(scaled), fitted)


@torch.no_grad()
def codes(network: Autoencoder, scaled: Tensor) -> np.ndarray:
    """The codes of spectrograms in -1..1, flattened [shape=(n, values), dtype=float32]."""
    network.eval()
    pieces = [network.encode(batch.float()).flatten(1) for batch in scaled.split(BATCH)]
    return torch.cat(pieces).cpu().numpy()
