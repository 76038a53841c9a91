"""DeepSMOTE: synthetic spectrograms of each class, decoded between the codes of two of its clips.

SMOTE in the space of an autoencoder's codes (docs/methods.md, "Louro's DeepSMOTE"). The autoencoder and the
neighbours are those of the training clips of a fold; in the authors' code they are those of all clips.
"""

import numpy as np
import torch
from torch import Tensor

from mer.learn import reconstruction
from mer.learn.context import apply_profile
from mer.learn.result import TrainingPhase
from mer.learn.smote import smote
from mer.networks.autoencoder import BATCH, Autoencoder, Scale, code_shape, codes
from mer.schema.augmentation import Synthesis
from mer.schema.profiles import Profile


@torch.no_grad()
def _decoded(network: Autoencoder, encoded: np.ndarray, shape: torch.Size) -> Tensor:
    size = (int(shape[0]), int(shape[1]))
    maps = torch.from_numpy(encoded).reshape(-1, *code_shape(size))
    where = next(network.parameters()).device
    return torch.cat([network.decode(b.to(where), size) for b in maps.split(BATCH)])


def synthesise(
    mel: Tensor, targets: Tensor, synthesis: Synthesis, profile: Profile, *, seed: int
) -> tuple[Tensor, Tensor, TrainingPhase]:
    """Synthetic spectrograms of each class.

    Parameters
    ----------
    mel : Tensor [shape=(n, frames, mels)]
        Spectrograms of the training clips.
    targets : Tensor [shape=(n,)]
        Class indices of the training clips.

    Returns
    -------
    mel : Tensor [shape=(classes * samples_per_class, frames, mels)]
        Synthetic spectrograms, scaled to the mean range of the given ones.
    targets : Tensor [shape=(classes * samples_per_class,)]
        Their class indices.
    phase : TrainingPhase
        The training of the autoencoder.
    """
    scale = Scale(mel)
    scaled = scale.transform(mel)
    config = apply_profile(synthesis.training, profile)
    network, phase = reconstruction.train(scaled, config, "synthesis", position=0, seed=seed)
    encoded, rng = codes(network, scaled), np.random.default_rng(seed)
    counts = dict.fromkeys(targets.unique().tolist(), synthesis.samples_per_class)
    new, classes = smote(
        encoded, targets.cpu().numpy(), counts, synthesis.k_neighbors, rng, synthesis.method
    )
    spectrograms = scale.to_mean_range(_decoded(network, new, mel.shape[1:]))
    return spectrograms.to(mel.dtype), torch.from_numpy(classes).to(targets), phase
