"""ComParE's 65 low-level descriptors and their 65 deltas: mean and standard deviation over the clip.

Descriptors of the configuration IS13_ComParE: six of pitch and voice from 60-ms frames,
four of energy and loudness, 55 of the spectrum from 20-ms ones, one every 10 ms, smoothed over three.
``<descriptor>_sma`` is a descriptor, ``<descriptor>_sma_de`` its slope per frame over five; each gives
``_amean`` and ``_stddev``, over every frame: unvoiced ones count as 0 in ``F0final``. openSMILE adds two
frames of deltas beyond the end of the clip; they are left out. The levels
of the library would take two passes over the audio, one for the descriptors and one for the deltas; this
configuration takes one.

Weninger, Eyben, Schuller, Mortillaro, Scherer. On the Acoustics of Emotion in Audio: What Speech, Music,
and Sound have in Common. Frontiers in Psychology 4:292, 2013.
"""

from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, PositiveInt

from mer.audio import limited
from mer.schema import Block
from mer.types import Clip

CONFIG = Path(__file__).with_name("lld.conf")
INCLUDED = {
    "lld": "is09-13/IS13_ComParE_core.lld.conf.inc",
    "bufferModeConf": "shared/BufferMode.conf.inc",
    "bufferModeRbLagConf": "shared/BufferModeRbLag.conf.inc",
}


class Params(Block):
    """``families.compare_lld``.

    Attributes
    ----------
    sample_rate : sample rate of openSMILE's input in Hz, or null for that of the corpus
    peak : peak to which louder clips are scaled down; openSMILE turns a sample of exactly 1.0 into -32768
    """

    sample_rate: PositiveInt | None
    peak: Annotated[float, Field(gt=0, lt=1)]


@cache
def _smile() -> Any:
    """``lld.conf``, which includes openSMILE's own descriptors."""
    import opensmile

    shipped = Path(opensmile.Smile(opensmile.FeatureSet.IS13).default_config_root)
    options = {option: str(shipped / file) for option, file in INCLUDED.items()}
    return opensmile.Smile(str(CONFIG), "frames", options=options)


def versions() -> dict[str, str]:
    """Versions of the libraries that compute the values."""
    configuration = "IS13_ComParE descriptors and deltas"
    return {"configuration": configuration, "opensmile": metadata.version("opensmile")}


def names(params: Params) -> list[str]:
    """The 260 columns, in openSMILE's order: descriptors, then deltas, mean before deviation."""
    return [f"{name}_{what}" for name in _smile().feature_names for what in ("amean", "stddev")]


def extract(clip: Clip, params: Params) -> np.ndarray:
    """Mean and standard deviation of descriptors and deltas of a clip.

    Parameters
    ----------
    clip : Clip
        A clip at ``params.sample_rate`` Hz; only a peak above ``params.peak`` changes its level.

    Returns
    -------
    np.ndarray [shape=(260,), dtype=float32]
    """
    samples = limited(clip.samples, params.peak)
    frames = _smile()(samples, clip.sample_rate)[0].astype(float)
    return np.stack([frames.mean(axis=1), frames.std(axis=1)], axis=1).ravel().astype(np.float32)
