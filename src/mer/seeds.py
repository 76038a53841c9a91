"""One seed in params.yaml; every generator derives from it and from what it is for."""

import hashlib

import numpy as np


def generator(seed: int, *key: object) -> np.random.Generator:
    """A generator for one purpose: the same key gives the same draws, in any order, on any worker.

    Parameters
    ----------
    seed : int
        ``seed`` of params.yaml.
    key : objects whose ``str`` is stable
        What it is for: ``("train", repeat, fold)``, ``("augment", policy, clip id)``.
    """
    text = "\0".join(map(str, (seed, *key)))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))
