"""ComParE: 6373 functionals of 65 low-level descriptors and their deltas, by openSMILE.

Configuration IS13_ComParE, as PMEmo and He & Ferguson use it. ComParE_2016 has the same names, but other
values. Weninger, Eyben, Schuller, Mortillaro, Scherer. On the Acoustics of Emotion in Audio: What
Speech, Music, and Sound have in Common. Frontiers in Psychology 4:292, 2013.
"""

import numpy as np

from mer import smile
from mer.types import Clip


class Params(smile.Params):
    """``families.compare``: see ``mer.smile.Params``."""


def versions() -> dict[str, str]:
    """What decides the values beside the parameters."""
    return smile.versions("IS13_ComParE")


def names(params: Params) -> list[str]:
    """The 6373 columns, in openSMILE's order."""
    return list(smile.functionals().feature_names)


def extract(clip: Clip, params: Params) -> np.ndarray:
    """The functionals of a clip.

    Parameters
    ----------
    clip : Clip
        At ``params.rate`` Hz; its level is kept up to ``params.peak``.

    Returns
    -------
    np.ndarray [shape=(6373,), dtype=float32]
    """
    return smile.extract(smile.functionals(), clip, params)[:, 0]
