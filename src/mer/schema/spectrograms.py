"""``views``."""

from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    FiniteFloat,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)

from mer.schema import Block


class Waveform(Block):
    """What becomes of a clip before a model, or a spectrogram, takes it.

    Attributes
    ----------
    rate : Hz the clip is resampled to; never above the corpus' rate
    peak_db : level of the waveform's peak in dBFS, or null to leave the level
    seconds : longer clips are cropped to this length; null keeps each clip's own
    keep : which part of a longer clip stays
    short : a shorter clip is repeated from its start, or padded
    segment : samples of each segment that the clip is then cut into, from its start and without
        overlap, what remains at its end dropped; null for the whole clip
    """

    rate: PositiveInt
    peak_db: Annotated[float, Field(le=0)] | None
    seconds: PositiveFloat | None
    keep: Literal["start", "middle", "end"]
    short: Literal["pad", "repeat"]
    segment: PositiveInt | None

    @field_validator("segment")
    @classmethod
    def _fits(cls, segment: int | None, info: ValidationInfo) -> int | None:
        rate, seconds = info.data.get("rate"), info.data.get("seconds")
        if segment and rate and not (seconds and segment <= round(seconds * rate)):
            raise ValueError(f"must be null or at most rate * seconds, with seconds={seconds}")
        return segment

    @property
    def samples(self) -> int | None:
        """The length a clip is brought to at ``rate``, or None where it keeps its own."""
        return round(self.seconds * self.rate) if self.seconds else None

    @property
    def segments(self) -> int | None:
        """Segments of every clip, or None where it stays whole."""
        return self.samples // self.segment if self.samples and self.segment else None


class View(Waveform):
    """``views.<key>``: one spectrogram view; ``{}`` is a view without a spectrogram.

    Attributes
    ----------
    n_fft, hop : length of the Hann window and step in samples; windows are centred
    mels, fmin, fmax : number of bands and the range they cover in Hz
    bank : ``slaney``, triangles of unit area on Slaney's scale (librosa), or ``htk``, of unit height
        on HTK's (torchaudio)
    filter_rate : Hz the bands are built for where that is not ``rate``; null where it is
    power : 1 for magnitudes, 2 for powers
    scale : ``db``, relative to 1.0 and floored at -100, ``log10p1``, log10(1 + S), or ``log10p10``,
        log10(1 + 10 S)
    top_db : range below the maximum of the clip, or segment, in dB; null for no such floor
    fill : what pads, a number in units of ``scale`` or the clip's own minimum
    reverse : whether time, padding included, runs backwards
    """

    n_fft: Annotated[int, Field(gt=0, multiple_of=2)]
    hop: PositiveInt
    mels: PositiveInt
    bank: Literal["slaney", "htk"]
    fmin: Annotated[float, Field(ge=0)]
    filter_rate: PositiveInt | None
    fmax: PositiveFloat
    power: Literal[1, 2]
    scale: Literal["db", "log10p1", "log10p10"]
    top_db: PositiveFloat | None
    fill: FiniteFloat | Literal["minimum"]
    reverse: bool

    @field_validator("fmax")
    @classmethod
    def _covers_bands(cls, fmax: float, info: ValidationInfo) -> float:
        rate = info.data.get("filter_rate") or info.data.get("rate")
        if rate and not info.data.get("fmin", 0) < fmax <= rate / 2:
            raise ValueError(f"must lie above fmin and not above {rate / 2:g}, half the rate")
        return fmax

    @property
    def frames(self) -> int | None:
        """Frames of every spectrogram, or None where each clip keeps its own length."""
        length = self.segment or self.samples
        return 1 + length // self.hop if length else None


MaybeView = Annotated[View | None, BeforeValidator(lambda block: None if block == {} else block)]
