"""openSMILE on one clip, kept below the level that its 16-bit integers turn over."""

from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, PositiveInt

from mer.config import Block
from mer.types import Clip


class Params(Block):
    """``families.<key>`` of a family that openSMILE computes.

    Attributes
    ----------
    rate : sampling rate of the audio that openSMILE gets, in Hz
    peak : a louder clip is scaled down to this; openSMILE turns a sample of exactly 1.0 into -32768
    """

    rate: PositiveInt
    peak: Annotated[float, Field(gt=0, lt=1)]


@cache
def functionals() -> Any:
    """The configuration IS13_ComParE, all functionals of a clip in one frame."""
    import opensmile

    return opensmile.Smile(opensmile.FeatureSet.IS13, opensmile.FeatureLevel.Functionals)


@cache
def frames(config: Path) -> Any:
    """A configuration of one's own that ends in the level ``frames``.

    It may include the descriptors of IS13_ComParE, as the option ``lld``.
    """
    import opensmile

    shipped = Path(functionals().default_config_root)
    included = {
        "lld": "is09-13/IS13_ComParE_core.lld.conf.inc",
        "bufferModeConf": "shared/BufferMode.conf.inc",
        "bufferModeRbLagConf": "shared/BufferModeRbLag.conf.inc",
    }
    options = {option: str(shipped / file) for option, file in included.items()}
    return opensmile.Smile(str(config), "frames", options=options)


def versions(configuration: str) -> dict[str, str]:
    """What decides the values beside the parameters."""
    return {"configuration": configuration, "opensmile": metadata.version("opensmile")}


def extract(smile: Any, clip: Clip, params: Params) -> np.ndarray:
    """What a configuration gives for a clip.

    Parameters
    ----------
    smile : opensmile.Smile
    clip : Clip
        At ``params.rate`` Hz; its level is kept up to ``params.peak``.

    Returns
    -------
    np.ndarray [shape=(d, frames), dtype=float32]
    """
    loudest = np.abs(clip.samples).max()
    gain = np.float32(min(1.0, params.peak / loudest)) if loudest else np.float32(1.0)
    return smile(clip.samples * gain, clip.rate)[0]
