"""The sections of corpora: as they come, rendered, merged and segmented; and how audio is read."""

from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, PositiveFloat, PositiveInt, model_validator

from mer.schema import Block, Key, NamedProtocol, PeakDb


class Corpus(Block):
    """``corpora.<key>``: the corpus in ``data/raw/<key>`` and its preparation.

    Attributes
    ----------
    layout : module of ``mer.datasets`` that reads it
    sample_rate : highest sample rate that a view or a family needs, in Hz
    peak_db : level of each clip's peak after standardization in dBFS, or null to leave the level
    protocol : protocol that ``protocol: default`` stands for; ``own`` is the split in the labels
    range : lowest and highest value of valence and arousal, in the scale of the annotations; null for a
        corpus without such values
    shares_songs_with : other corpora that have some of its songs
    counts : published number of clips per quadrant, or in total, which is checked; null accepts any
    sha256 : digests of the authors' archives by file name, which ``mer import`` checks
    """

    layout: str
    sample_rate: PositiveInt
    peak_db: PeakDb
    protocol: NamedProtocol
    range: tuple[FiniteFloat, FiniteFloat] | None
    counts: dict[Literal["Q1", "Q2", "Q3", "Q4"], int] | PositiveInt | None
    citation: str
    license: str
    source: str
    shares_songs_with: tuple[Key, ...] = ()
    sha256: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = Field(default={})

    @model_validator(mode="after")
    def _range_ascends(self) -> Self:
        if self.range and self.range[0] >= self.range[1]:
            raise ValueError("range must be [lowest, highest], the first below the second, or null")
        return self


class Demo(Block):
    """``demos.<key>``: a synthetic corpus that a stage renders.

    Attributes
    ----------
    release : archive to render, for a layout that has several
    """

    seed: int
    seconds: PositiveFloat
    release: str | None = None


class MergedCorpus(Block):
    """``merged_corpora.<key>``: a corpus that a stage merges from three others.

    Attributes
    ----------
    of : keys of the merged corpora
    """

    of: tuple[Key, Key, Key]


class SegmentedCorpus(Block):
    """``segmented_corpora.<key>``: the equal parts that a stage splits each clip of another corpus into.

    Attributes
    ----------
    of : key of the corpus whose clips are split
    parts : number of parts of each clip
    peak_db : level of each part's peak in dBFS, or null to leave the level
    """

    of: Key
    parts: Annotated[int, Field(ge=2)]
    peak_db: PeakDb


class Audio(Block):
    """``audio``: limits of a file and of the process that decodes it.

    Attributes
    ----------
    min_seconds : minimum length; shorter clips are quarantined
    max_pcm_mib : maximum size of the samples of a file, its channels averaged, as float32
    max_wall_seconds, max_cpu_seconds, max_memory_mib : limits of the decoding process; a file that
        exceeds one is quarantined
    """

    min_seconds: PositiveFloat
    max_pcm_mib: PositiveInt
    max_wall_seconds: PositiveFloat
    max_cpu_seconds: PositiveFloat
    max_memory_mib: PositiveInt


class Quarantine(Block):
    """``quarantine``: rules for files that are left out.

    Attributes
    ----------
    max_fraction : largest share of the existing files that may be quarantined; the stage fails above it
    max_missing : largest share of the labelled songs that may have no file; the stage fails above it,
        unless no song has one
    duplicates : ``drop`` keeps the first id of files with the same samples, ``keep`` keeps all of them
    """

    max_fraction: Annotated[float, Field(ge=0, le=1)]
    max_missing: Annotated[float, Field(ge=0, le=1)]
    duplicates: Literal["drop", "keep"]
