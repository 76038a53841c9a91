"""Decoding of a whole audio file to the average of its channels, in this process."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile as sf
import soxr

from mer.decoding import ffmpeg, integrity, lengths, mp3, ogg
from mer.decoding.downmix import SILENCE, Downmix
from mer.decoding.streams import (
    MIB,
    Forward,
    Source,
    blocks,
    bytes_per_sample,
    claimed,
    common_form,
    impossible,
)
from mer.errors import Unreadable

RATES = range(1000, 768001)  # Hz; far beyond them, headers are damaged
MAX_CHANNELS = 64
CHANGED = "was changed while it was read"
WORDS = {  # clearer than the messages of libsndfile, by its error code
    7: "no MPEG frame",
    24: "its header has an impossible sample rate, size or number of channels",
}


class TooLong(Unreadable):
    """A file with more samples than are decoded at once."""


class _Decoded(NamedTuple):
    """A file, or a stream in it, at its own sample rate.

    Attributes
    ----------
    mono : average of the channels [shape=(n,), dtype=float32]
    sample_rate : Hz
    format : libsndfile's name of the format
    downmix : how the channels were averaged
    """

    mono: np.ndarray
    sample_rate: int
    format: str
    downmix: Downmix

    @property
    def seconds(self) -> float:
        """The duration."""
        return len(self.mono) / self.sample_rate


def decode(path: Path, sample_rate: int, min_seconds: float, max_pcm: int) -> np.ndarray:
    """The average of a file's channels at ``sample_rate`` Hz [shape=(n,), dtype=float32].

    Parameters
    ----------
    sample_rate : int
        Sample rate of the result in Hz (soxr, quality HQ).
    min_seconds : float
        Shortest duration accepted.
    max_pcm : int
        Most bytes of float32 samples accepted in the average of the channels, before or after resampling.

    Raises
    ------
    Unreadable
        If the file is missing, empty, truncated or silent, or cannot be decoded.
    """
    try:
        _check_path(path)
        decoded = _whole(path, sample_rate, max_pcm)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from error
    if fault := _fault(decoded, min_seconds):
        raise Unreadable(fault)
    return soxr.resample(decoded.mono, decoded.sample_rate, sample_rate, quality="HQ")


def _check_path(path: Path) -> None:
    if not path.exists():
        raise Unreadable("a broken symbolic link" if path.is_symlink() else "no such file")
    if not path.is_file():
        raise Unreadable("a folder" if path.is_dir() else "not a regular file")
    if path.stat().st_size == 0:
        raise Unreadable("zero bytes")
    path.open("rb").close()  # its error is clearer than libsndfile's


def _whole(path: Path, sample_rate: int, max_pcm: int) -> _Decoded:
    """All samples of a file."""
    before = version(path)
    if format_ := for_ffmpeg(path):
        with ffmpeg.decoding(path, format_) as running:
            decoded = _read(running.output, sample_rate, max_pcm)
            running.check(decoded.seconds)
    elif magic(path) == ogg.MAGIC:
        decoded = _chained(ogg.links(path.read_bytes()), sample_rate, max_pcm)
    else:
        decoded = _read(lengths.with_length(path) or path, sample_rate, max_pcm)
        if decoded.format == "MP3":
            decoded = _whole_mp3(path.read_bytes(), decoded, sample_rate, max_pcm)
    if version(path) != before:
        raise Unreadable(CHANGED)
    return decoded


def version(path: Path) -> tuple[int, int] | None:
    """Size in bytes and time of the last change in ns of a file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def for_ffmpeg(path: Path) -> str | None:
    """The format of a file that libsndfile cannot open and ffmpeg may decode, or None."""
    if (format_ := integrity.foreign(path)) not in ffmpeg.DEMUXERS:
        return None
    try:
        sf.SoundFile(path).close()
    except sf.LibsndfileError:
        return format_
    return None


def magic(path: Path) -> bytes:
    """The first four bytes after the ID3v2 tags."""
    with path.open("rb") as stream:
        start = stream.read(2**20)
    at = mp3.after_tags(start)
    return start[at : at + 4]


def _read(source: Source, sample_rate: int, max_pcm: int) -> _Decoded:
    """All samples of a file or of its content."""
    try:
        with Forward(source, closefd=False) as file:
            _check_claims(file)
            most = min(file.frames, max_pcm // bytes_per_sample(file.samplerate, sample_rate) + 1)
            downmix = Downmix(file.channels)
            read = list(blocks(file, downmix, most, most))
            expected, log = claimed(file, source), file.extra_info
            native, format_ = file.samplerate, file.format
    except sf.LibsndfileError as error:
        named = integrity.foreign(source) if isinstance(source, Path) else None
        known = named and f"{named}; convert it to FLAC or WAV"
        words = WORDS.get(error.code) or known or error.error_string
        raise Unreadable(f"not decodable: {words}") from error
    except TypeError as error:  # soundfile takes *.raw for headerless
        raise Unreadable(f"not decodable: {error}") from error
    mono = read[0] if len(read) == 1 else np.concatenate([np.empty(0, np.float32), *read])
    _check_size(len(mono), native, sample_rate, max_pcm)
    if fault := integrity.truncation(format_, log, expected, len(mono), native):
        raise Unreadable(fault)
    return _Decoded(mono, native, format_, downmix)


def _chained(links: list[bytes], sample_rate: int, max_pcm: int) -> _Decoded:
    """All samples of the streams of an Ogg file, one after the other."""
    parts: list[_Decoded] = []
    for link in links:
        parts.append(_read(io.BytesIO(link), sample_rate, max_pcm))
        native, channels = common_form((p.sample_rate, p.downmix.channels) for p in parts)
        _check_size(sum(len(part.mono) for part in parts), native, sample_rate, max_pcm)
    downmix = sum((part.downmix for part in parts), Downmix(channels))
    return parts[0]._replace(mono=np.concatenate([part.mono for part in parts]), downmix=downmix)


def _whole_mp3(data: bytes, decoded: _Decoded, sample_rate: int, max_pcm: int) -> _Decoded:
    """All samples of an mp3, of which libsndfile may have decoded the first."""
    if mp3.fault(data, decoded.seconds):
        decoded = _read(io.BytesIO(mp3.counted(data)), sample_rate, max_pcm)
    if fault := mp3.fault(data, decoded.seconds):
        raise Unreadable(fault)
    return decoded


def _check_claims(file: sf.SoundFile) -> None:
    """Raise if the header has values that no recording has."""
    if file.samplerate not in RATES:
        raise Unreadable(f"its header says {file.samplerate} Hz")
    if file.channels > MAX_CHANNELS:
        raise Unreadable(f"its header says {file.channels} channels")


def _check_size(samples: int, native: int, sample_rate: int, max_pcm: int) -> None:
    """Raise if samples take more than ``max_pcm`` bytes as float32, decoded or resampled."""
    if samples * bytes_per_sample(native, sample_rate) > max_pcm:
        raise TooLong(
            f"more than {max_pcm / MIB:g} MiB of samples; raise audio.max_pcm_mib in params/audio.yaml"
        )


def _fault(decoded: _Decoded, min_seconds: float) -> str | None:
    """The reason why decoded audio cannot be used, or None."""
    mono, seconds = decoded.mono, decoded.seconds
    if len(mono) == 0:
        return "no samples"
    if fault := impossible(mono):
        return fault
    if seconds < min_seconds:
        return f"shorter than {min_seconds:g} s: {len(mono)} samples, {seconds:.3f} s"
    if fault := decoded.downmix.fault():
        return fault
    if np.abs(mono).max() < SILENCE:
        return "silent"
    if np.ptp(mono) < 2 * SILENCE:
        return f"constant offset of {mono.mean():.3g}"
    return None
