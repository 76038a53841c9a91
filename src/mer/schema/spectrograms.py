"""The sections ``views`` and ``models.<model>.waveform``: clips become spectrograms or waveforms."""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    FiniteFloat,
    PositiveFloat,
    PositiveInt,
    ValidationInfo,
    field_validator,
)

from mer.schema import Block, Key, PeakDb


class Waveform(Block):
    """``models.<model>.waveform``, and the part of a view that prepares the waveform.

    Attributes
    ----------
    sample_rate : Hz after resampling; never above the sample rate of the corpus
    peak_db : level in dBFS to which the peak is normalized; null keeps the level
    seconds : length to which longer clips are cropped; null keeps the length of each clip
    crop_from : the part of a longer clip that is kept
    pad_mode : form of a shorter clip. ``repeat`` repeats it from its start. Under ``pad`` its spectrogram
        gets frames of ``pad_value``; a waveform keeps its length (see ``mer.dsp.mel.prepare``), and its
        segments are padded with zeros
    segment_samples : samples of each segment; segments are cut from the start, without overlap, and an
        incomplete last one is dropped; null keeps the clip whole
    """

    sample_rate: PositiveInt
    peak_db: PeakDb
    seconds: PositiveFloat | None
    crop_from: Literal["start", "middle", "end"]
    pad_mode: Literal["pad", "repeat"]
    segment_samples: PositiveInt | None = None

    @field_validator("segment_samples")
    @classmethod
    def _fits(cls, segment: int | None, info: ValidationInfo) -> int | None:
        sample_rate, seconds = info.data.get("sample_rate"), info.data.get("seconds")
        if segment and sample_rate and not (seconds and segment <= round(seconds * sample_rate)):
            raise ValueError(
                f"must be null or at most sample_rate * seconds, with seconds={seconds}"
            )
        return segment

    @property
    def samples(self) -> int | None:
        """Samples of every prepared clip, or None where each clip keeps its length."""
        return round(self.seconds * self.sample_rate) if self.seconds else None

    @property
    def segments(self) -> int | None:
        """Segments of every clip, or None where the clip stays whole."""
        if not self.samples or not self.segment_samples:
            return None
        return self.samples // self.segment_samples


class View(Waveform):
    """``views.<key>``: one kind of mel spectrogram; ``{}`` is a view without a spectrogram.

    Attributes
    ----------
    n_fft, hop_length : length of the Hann window and step in samples; frames are centred
    n_mels, fmin, fmax : number of mel bands and the range that they cover in Hz
    mel_scale : ``slaney``, triangles of unit area on Slaney's scale (librosa's default), or ``htk``,
        triangles of unit height on HTK's scale (torchaudio's default)
    filter_rate : sample rate in Hz for which the filter bank is built; null for ``sample_rate``
    power : 1 for magnitudes, 2 for powers
    scale : ``db``, relative to 1.0 and at least -100 dB, ``log10p1``, log10(1 + S), or ``log10p10``,
        log10(1 + 10 S)
    top_db : range below the maximum of the clip, or of the segment, in dB; null for no such limit
    pad_value : value of padded frames in units of ``scale``, or ``minimum``, the minimum of the spectrogram
    reverse : whether time, padding included, runs backwards
    released : the view of the authors' code, which the fidelity ``released`` needs in place of this one
    """

    n_fft: Annotated[int, Field(gt=0, multiple_of=2)]
    hop_length: PositiveInt
    n_mels: PositiveInt
    mel_scale: Literal["slaney", "htk"]
    fmin: Annotated[float, Field(ge=0)]
    filter_rate: PositiveInt | None
    fmax: PositiveFloat
    power: Literal[1, 2]
    scale: Literal["db", "log10p1", "log10p10"]
    top_db: PositiveFloat | None
    pad_value: FiniteFloat | Literal["minimum"]
    reverse: bool
    released: Key | None = None

    @field_validator("fmax")
    @classmethod
    def _covers_bands(cls, fmax: float, info: ValidationInfo) -> float:
        rate = info.data.get("filter_rate") or info.data.get("sample_rate")
        if rate and not info.data.get("fmin", 0) < fmax <= rate / 2:
            raise ValueError(
                f"must lie above fmin and not above {rate / 2:g}, half the sample rate"
            )
        return fmax

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that decide the spectrograms."""
        return self.model_dump(exclude={"released"})

    @property
    def frames(self) -> int | None:
        """Frames of every spectrogram, or None where each clip keeps its length."""
        length = self.segment_samples or self.samples
        return 1 + length // self.hop_length if length else None


MaybeView = Annotated[View | None, BeforeValidator(lambda block: None if block == {} else block)]
