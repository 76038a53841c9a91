"""The 1714 published columns of 4QAED, extracted anew: same names and order, definitions as published.

Panda, Malheiro & Paiva, "Novel Audio Features for Music Emotion Recognition", IEEE TAFFC 11(4), 2020.
The 898 standard columns (MIR Toolbox, Marsyas, PsySound) are computed from a ``SignalCache`` of the mix.
The 816 novel ones are computed from notes, layers and the signal, of the mix and of the separated voice.
Each module of ``dimensions`` gives the columns of a musical dimension. ``catalogue.csv`` grades how close
each column is to the published one. The values are not those of the authors' programs and must not be mixed
with them: see ``published1714``.
"""

from importlib import metadata
from typing import Literal

import numpy as np
from pydantic import field_validator

from mer.features import _panda_catalogue
from mer.features.panda1714 import stats
from mer.features.panda1714.dimensions import (
    dynamics,
    expressivity,
    form,
    harmony,
    melody,
    rhythm,
    texture,
    tone_colour,
    voice,
)
from mer.features.panda1714.notes import notes
from mer.features.panda1714.signal import fractal, layers
from mer.features.panda1714.signal.cache import SignalCache
from mer.features.panda1714.signal.separation import SEPARATORS
from mer.schema import Block
from mer.types import Clip

catalogue = _panda_catalogue.catalogue

STANDARD = (tone_colour, harmony, dynamics, melody, rhythm, form, expressivity)
OF_NOTES = (melody, rhythm, dynamics, expressivity)


class Params(Block):
    """``families.panda1714``.

    Attributes
    ----------
    sample_rate : sample rate of the published set in Hz
    separator : method that separates the voice, a key of ``separation.SEPARATORS``
    """

    sample_rate: Literal[22050]
    separator: str

    @field_validator("separator")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in SEPARATORS:
            raise ValueError(f"must be one of {sorted(SEPARATORS)}")
        return name


def versions() -> dict[str, str]:
    """Versions of the libraries that compute the values."""
    packages = ("essentia", "numpy", "scipy", "soxr")
    return {package: metadata.version(package) for package in packages}


def names(params: Params) -> list[str]:
    """The 1714 names, in the published order."""
    return list(catalogue())


def extract(clip: Clip, params: Params) -> np.ndarray:
    """The columns of a clip.

    Parameters
    ----------
    clip : Clip
        At ``params.sample_rate`` Hz.

    Returns
    -------
    np.ndarray [shape=(1714,), dtype=float32]
    """
    samples = clip.samples
    mix = {f"ORIGINAL-{k}": v for k, v in _novel(samples, clip.sample_rate).items()}
    sung = SEPARATORS[params.separator](samples, clip.sample_rate)
    found = mix | {f"VOICE-{k}": v for k, v in _novel(sung, clip.sample_rate).items()}
    found |= _standard(samples, clip.sample_rate)
    return np.array([found[name] for name in names(params)], np.float32)


def _standard(samples: np.ndarray, sample_rate: int) -> dict[str, float]:
    """The 898 columns that other toolboxes define, by name."""
    cache = SignalCache(samples, sample_rate)
    series: dict[str, np.ndarray | float] = {}
    for dimension in STANDARD:
        series |= dimension.standard(cache)
    wanted = [column for column in catalogue().values() if column.column.startswith("F")]
    values = stats.values(series, [(column.descriptor, column.statistic) for column in wanted])
    return {column.column: value for column, value in zip(wanted, values, strict=True)}


def _novel(samples: np.ndarray, sample_rate: int) -> dict[str, float]:
    """The novel features of a channel, by name without the channel; more than were published."""
    tune = notes.transcribe(samples, sample_rate)
    found: dict[str, float] = {}
    for dimension in OF_NOTES:
        found |= dimension.novel(tune, len(samples) / sample_rate)
    signal = fractal.novel(samples, sample_rate) | voice.novel(samples, sample_rate)
    return found | signal | texture.novel(layers.count(samples, sample_rate))
