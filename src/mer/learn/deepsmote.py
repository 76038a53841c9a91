"""Louro et al.'s DeepSMOTE: new spectrograms of each class, between the codes of two of its clips.

SMOTE in the space of an autoencoder (methods A11). Autoencoder and neighbours know
the training part of a fold only; the authors' know all clips.
"""

import numpy as np
import torch
from torch import Tensor

from mer.learn import reconstruction, tensors
from mer.learn.smote import smote
from mer.networks.autoencoder import Autoencoder, Scale, code_shape
from mer.schema.augmentation import Synthesis
from mer.schema.profiles import Profile


@torch.no_grad()
def _decoded(network: Autoencoder, codes: np.ndarray, shape: torch.Size) -> Tensor:
    size = (int(shape[0]), int(shape[1]))
    maps = torch.from_numpy(codes).reshape(-1, *code_shape(size))
    where = next(network.parameters()).device
    return torch.cat([network.decode(b.to(where), size) for b in maps.split(reconstruction.BATCH)])


def synthesise(
    mel: Tensor, targets: Tensor, synthesis: Synthesis, profile: Profile, *, seed: int
) -> tuple[Tensor, Tensor, dict[str, np.ndarray]]:
    """Spectrograms that nobody has heard, of the classes of those given.

    Parameters
    ----------
    mel : Tensor [shape=(n, frames, mels)]
        Of training clips.
    targets : Tensor [shape=(n,)]
        Their class indices.

    Returns
    -------
    mel : Tensor [shape=(classes * per_class, frames, mels)]
        In the mean range of the given ones.
    targets : Tensor [shape=(classes * per_class,)]
    arrays : dict of str to np.ndarray
        The autoencoder's ``curve.0_synthesis`` and ``timing.0_synthesis``.
    """
    scale = Scale(mel)
    scaled = scale.forwards(mel)
    config = tensors.apply_profile(synthesis.training, profile)
    network, arrays = reconstruction.trained(scaled, config, "0_synthesis", seed=seed)
    codes, rng = reconstruction.codes(network, scaled), np.random.default_rng(seed)
    counts = dict.fromkeys(targets.unique().tolist(), synthesis.samples_per_class)
    new, classes = smote(codes, targets.cpu().numpy(), counts, synthesis.k_neighbors, rng)
    spectrograms = scale.backwards(_decoded(network, new, mel.shape[1:]))
    return spectrograms.to(mel.dtype), torch.from_numpy(classes).to(targets), arrays
