"""Random generators, derived from the seed in params.yaml and from their purpose."""

import hashlib

import numpy as np


def generator(seed: int, *key: object) -> np.random.Generator:
    """A generator for one purpose: the same key gives the same numbers, in any order, on any worker.

    Parameters
    ----------
    seed : int
        ``seed`` of params.yaml.
    key : objects whose ``str`` is stable
        The purpose: ``("validation",)``, ``("augment", policy, version, clip id)``.
    """
    text = "\0".join(map(str, (seed, *key)))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))
