"""ComParE: 6373 functionals of 65 low-level descriptors and their deltas, by openSMILE.

Configuration IS13_ComParE, as Pandrea et al. and PMEmo use it. ComParE_2016 has the same names, but other
values. Weninger, Eyben, Schuller, Mortillaro, Scherer. On the Acoustics of Emotion in Audio: What
Speech, Music, and Sound have in Common. Frontiers in Psychology 4:292, 2013.
"""

from functools import cache
from importlib import metadata
from typing import Annotated, Any

import numpy as np
from pydantic import Field, PositiveInt

from mer.audio import limited
from mer.schema import Block
from mer.types import Clip


class Params(Block):
    """``families.compare``.

    Attributes
    ----------
    sample_rate : sample rate of openSMILE's input in Hz
    peak : peak to which louder clips are scaled down; openSMILE turns a sample of exactly 1.0 into -32768
    """

    sample_rate: PositiveInt
    peak: Annotated[float, Field(gt=0, lt=1)]


@cache
def functionals() -> Any:
    """The configuration IS13_ComParE, all functionals of a clip in one frame."""
    import opensmile

    return opensmile.Smile(opensmile.FeatureSet.IS13, opensmile.FeatureLevel.Functionals)


def versions() -> dict[str, str]:
    """Versions of the libraries that compute the values."""
    return {"configuration": "IS13_ComParE", "opensmile": metadata.version("opensmile")}


def names(params: Params) -> list[str]:
    """The 6373 columns, in openSMILE's order."""
    return list(functionals().feature_names)


def extract(clip: Clip, params: Params) -> np.ndarray:
    """The functionals of a clip.

    Parameters
    ----------
    clip : Clip
        A clip at ``params.sample_rate`` Hz; only a peak above ``params.peak`` changes its level.

    Returns
    -------
    np.ndarray [shape=(6373,), dtype=float32]
    """
    samples = limited(clip.samples, params.peak)
    return functionals()(samples, clip.sample_rate)[0, :, 0]
