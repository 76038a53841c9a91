"""Essentia: 84 low-level scalars as its MusicExtractor gives them, and 27 of rhythm and tonality.

Bogdanov, Wack, Gómez, Gulati, Herrera, Mayor, Roma, Salamon, Zapata, Serra. Essentia: an Audio
Analysis Library for Music Information Retrieval. ISMIR 2013. The 84 are those of Pandrea,
Gómez-Cañón & Herrera (docs/methods.md): ``MusicExtractor(lowlevelSilentFrames="drop",
lowlevelStats=["mean", "stdev"])``, its scalar descriptors only, without the rest of its work.

As there, the analysis runs at 44.1 kHz whatever the clip's rate (Essentia's loudness filter has no
22.05 kHz), and all but the EBU R128 loudness is measured at replay gain + 6 dB, so that the clip's
level does not matter. A statistic over no frame is 0; other values of silence are Essentia's.
"""

from importlib import metadata
from types import ModuleType
from typing import Any, Literal

import numpy as np
import soxr
from pydantic import PositiveInt

from mer.features.essentia import lowlevel, rhythm, tonal
from mer.features.essentia.analysis import RATE, normalized
from mer.schema import Block
from mer.types import Clip


class Params(Block):
    """``families.essentia``.

    Attributes
    ----------
    sample_rate : sample rate of the audio in Hz, or null for that of the corpus. Audio below 44100 Hz is
        resampled to 44100 Hz, as MusicExtractor does with a file
    profile : ``lowlevel``, the 84 scalars, or ``wide``, which adds rhythm and tonality
    """

    sample_rate: PositiveInt | None
    profile: Literal["lowlevel", "wide"]


def versions() -> dict[str, str]:
    """Versions of the libraries that compute the values."""
    return {package: metadata.version(package) for package in ("essentia", "soxr", "scipy")}


def _columns(module: ModuleType) -> list[str]:
    """``<namespace>.<scalar>``, and mean and standard deviation over the frames of the others, sorted."""
    statistics = (
        f"{name}.{statistic}" for name in module.FRAMES for statistic in ("mean", "stdev")
    )
    prefix = module.__name__.rpartition(".")[2]
    return sorted(f"{prefix}.{name}" for name in (*module.SCALARS, *statistics))


def names(params: Params) -> list[str]:
    """The 84 columns, or 111 of the profile ``wide``, as Essentia's pools name and sort them.

    ``rhythm.bpm_histogram_first_peak_spread`` is ours: MusicExtractor writes it over the weight.
    """
    modules = [lowlevel] if params.profile == "lowlevel" else [lowlevel, rhythm, tonal]
    return [name for module in modules for name in _columns(module)]


def extract(clip: Clip, params: Params) -> np.ndarray:
    """The descriptors of a clip.

    Parameters
    ----------
    clip : Clip
        At ``params.sample_rate`` Hz, or at any.

    Returns
    -------
    np.ndarray [shape=(84,) or (111,), dtype=float32]
    """
    original = soxr.resample(clip.samples, clip.sample_rate, RATE, quality="HQ")
    signal = normalized(original)
    found = _summarized("lowlevel", lowlevel.measure(original, signal))
    if params.profile == "wide":
        found |= _summarized("rhythm", rhythm.measure(signal))
        found |= _summarized("tonal", tonal.measure(signal))
    return np.array([found[name] for name in names(params)], np.float32)


def _summarized(namespace: str, values: dict[str, Any]) -> dict[str, float]:
    """Scalars by full name; an array becomes its mean and its standard deviation."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if np.ndim(value):
            found[f"{namespace}.{name}.mean"] = np.mean(value, dtype=float) if len(value) else 0.0
            found[f"{namespace}.{name}.stdev"] = np.std(value, dtype=float) if len(value) else 0.0
        else:
            found[f"{namespace}.{name}"] = value
    return found
