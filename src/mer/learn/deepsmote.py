"""Louro et al.'s DeepSMOTE: new spectrograms of each class, between the codes of two of its clips.

SMOTE (Chawla et al., 2002) in the space of an autoencoder (methods A11). Autoencoder and neighbours know
the training part of a fold only; the authors' know all clips.
"""

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from mer.autoencoder import Autoencoder, Scale, code_shape
from mer.config import Profile, Synthesis
from mer.learn import inputs, reconstruction


def between(
    points: np.ndarray, count: int, neighbours: int, rng: np.random.Generator
) -> np.ndarray:
    """New points on the lines from random ones to one of their nearest neighbours.

    Parameters
    ----------
    points : np.ndarray [shape=(n, d)]
        Of one class.
    count : int
    neighbours : int
        How many of the nearest; fewer where there are no more.

    Returns
    -------
    np.ndarray [shape=(count, d)]
    """
    near = min(neighbours, len(points) - 1)
    first = rng.integers(len(points), size=count)
    if near < 1:
        return points[first]
    found = NearestNeighbors(n_neighbors=near + 1).fit(points).kneighbors(points[first])[1]
    second = found[np.arange(count), 1 + rng.integers(near, size=count)]
    share = rng.uniform(size=(count, 1)).astype(points.dtype)
    return points[first] + share * (points[second] - points[first])


@torch.no_grad()
def _decoded(network: Autoencoder, codes: np.ndarray, shape: torch.Size) -> Tensor:
    size = (int(shape[0]), int(shape[1]))
    maps = torch.from_numpy(codes).reshape(-1, *code_shape(size))
    where = next(network.parameters()).device
    return torch.cat([network.decode(b.to(where), size) for b in maps.split(reconstruction.BATCH)])


def synthesise(
    mel: Tensor, targets: Tensor, synthesis: Synthesis, profile: Profile, *, seed: int
) -> tuple[Tensor, Tensor, np.ndarray]:
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
    curve : np.ndarray [shape=(epochs, 2)]
        Of the autoencoder.
    """
    scale = Scale(mel)
    scaled = scale.forwards(mel)
    recipe = inputs.shortened(synthesis.training, profile)
    network, curve = reconstruction.trained(scaled, recipe, seed=seed)
    codes, rng = reconstruction.codes(network, scaled), np.random.default_rng(seed)
    classes = targets.unique()
    new = [
        between(codes[(targets == c).cpu().numpy()], synthesis.per_class, synthesis.neighbours, rng)
        for c in classes
    ]
    found = scale.backwards(_decoded(network, np.concatenate(new), mel.shape[1:]))
    return found.to(mel.dtype), classes.repeat_interleave(synthesis.per_class), curve
