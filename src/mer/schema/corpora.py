"""``corpora``, what stages make of them, and what is accepted of their files."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from mer.schema import Block, Key, Protocol


class Corpus(Block):
    """``corpora.<key>``: what is in ``data/raw/<key>`` and how to prepare it.

    Attributes
    ----------
    layout : module of ``mer.datasets`` that reads it
    sample_rate : the highest rate any reader needs, in Hz
    peak_db : level of each clip's peak after standardization in dBFS, or null to leave the level
    protocol : what ``protocol: default`` means here; ``own`` is the split that the labels carry
    counts : clips per quadrant, or in all, that the paper prints, checked; null to accept any
    """

    layout: str
    sample_rate: PositiveInt
    peak_db: Annotated[float, Field(le=0)] | None
    protocol: Literal["own", Protocol]
    counts: dict[Literal["Q1", "Q2", "Q3", "Q4"], int] | PositiveInt | None
    citation: str
    license: str
    source: str


class Demo(Block):
    """``demos.<key>``: a corpus that a stage renders.

    Attributes
    ----------
    release : which of its archives, where the layout has several
    """

    seed: int
    seconds: PositiveFloat
    release: str | None = None


class Union(Block):
    """``unions.<key>``: a corpus that a stage makes of three others.

    Attributes
    ----------
    of : keys of corpora
    """

    of: tuple[Key, Key, Key]


class Cut(Block):
    """``cuts.<key>``: a corpus that a stage makes of another one's clips, each cut into equal parts.

    Attributes
    ----------
    of : key of corpora
    parts : of each clip
    peak_db : level of each part's peak in dBFS, or null to leave the level
    """

    of: Key
    parts: Annotated[int, Field(ge=2)]
    peak_db: Annotated[float, Field(le=0)] | None


class Audio(Block):
    """``audio``: what standardization accepts of a file, and what decoding it may take.

    Attributes
    ----------
    min_seconds : shorter clips are quarantined
    max_pcm_mib : of a file's samples, all channels, as float32
    max_wall_seconds, max_cpu_seconds, max_memory_mib : of the process that decodes; beyond them it
        is ended and the file quarantined
    """

    min_seconds: PositiveFloat
    max_pcm_mib: PositiveInt
    max_wall_seconds: PositiveFloat
    max_cpu_seconds: PositiveFloat
    max_memory_mib: PositiveInt


class Quarantine(Block):
    """``quarantine``: what is left out.

    Attributes
    ----------
    max_fraction : share of the existing files beyond which the stage fails
    duplicates : of files with the same bytes, ``drop`` all but the first id or ``keep`` all
    """

    max_fraction: Annotated[float, Field(ge=0, le=1)]
    duplicates: Literal["drop", "keep"]
