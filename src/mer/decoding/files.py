"""Decoding of an audio file to the average of its channels, in this process.

Files are read block by block, and their channels are averaged at once: the memory that a file takes depends
on its length, not on the number of its channels.
"""

import io
import math
import sys
from collections.abc import Generator, Iterator
from mmap import mmap
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile as sf
import soxr

from mer.decoding import ffmpeg, integrity, lengths, mp3, ogg
from mer.decoding.downmix import SILENCE, Downmix
from mer.errors import Unreadable

MIB = 2**20
BLOCK = 16 * MIB  # bytes of samples that are read at once
LOUDEST = 100.0  # lossy decoders overshoot full scale by half; a flipped exponent by 1e38
RATES = range(1000, 768001)  # Hz; far beyond them, headers are damaged
MAX_CHANNELS = 64
Source = Path | BinaryIO | mmap | int  # an int is the file descriptor of a pipe
WORDS = {  # clearer than the messages of libsndfile, by its error code
    7: "no MPEG frame",
    24: "its header has an impossible sample rate, size or number of channels",
}


class _Forward(sf.SoundFile):
    """An audio file that soundfile only reads forward: it cannot seek in a FLAC file without a length."""

    def seekable(self) -> bool:
        """Whether soundfile may seek after each read."""
        return False


class _TooLong(Unreadable):
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


def pieces(path: Path, sample_rate: int, min_seconds: float, max_pcm: int) -> Iterator[np.ndarray]:
    """The samples of a file of any length, piece by piece, with the parameters of ``decode``.

    A file of at most ``max_pcm`` bytes of samples is one piece: the result of ``decode``. A longer one is
    read twice up to there; a truncation of it is found at its end.

    Raises
    ------
    Unreadable
        As ``decode``, except that parts of a long recording may be silent.
    """
    try:
        yield decode(path, sample_rate, min_seconds, max_pcm)
    except _TooLong:
        try:
            if format_ := _for_ffmpeg(path):
                with ffmpeg.decoding(path, format_) as running:
                    running.check((yield from _long(running.output, sample_rate, max_pcm)))
                return
            source = _counted_mp3(path) or lengths.with_length(path) or path
            yield from _long(source, sample_rate, max_pcm)
        except sf.LibsndfileError as error:
            raise Unreadable(f"not decodable: {error.error_string}") from error


def _counted_mp3(path: Path) -> io.BytesIO | None:
    """An mp3 with the number of its frames, where libsndfile does not know it; None for other files."""
    with _Forward(path) as file:
        if file.format == "MP3" and mp3.fault(
            data := path.read_bytes(), file.frames, file.samplerate
        ):
            return io.BytesIO(mp3.counted(data))
    return None


def _long(source: Source, sample_rate: int, max_pcm: int) -> Generator[np.ndarray, None, float]:
    """The resampled samples of a long file, block by block; returns the file's seconds."""
    with _Forward(source, closefd=False) as file:
        native, count, downmix = file.samplerate, 0, Downmix(file.channels)
        stream = soxr.ResampleStream(native, sample_rate, 1, dtype="float32", quality="HQ")
        for mono in _blocks(
            file, downmix, sys.maxsize, max_pcm // _bytes_per_sample(file, sample_rate)
        ):
            count += len(mono)
            if fault := _impossible(mono):
                raise Unreadable(fault)
            if len(found := stream.resample_chunk(mono)):
                yield found
        if len(found := stream.resample_chunk(np.empty(0, np.float32), last=True)):
            yield found
        log, claimed = file.extra_info, _claimed(file, source)
        truncated = integrity.truncation(file.format, log, claimed, count, native)
        if fault := truncated or downmix.fault():
            raise Unreadable(fault)
    return count / native


def _blocks(file: sf.SoundFile, downmix: Downmix, most: int, size: int) -> Iterator[np.ndarray]:
    """The average of the channels of the next ``most`` samples, at most ``size`` at a time."""
    size = max(1, min(size, BLOCK // (4 * file.channels)))
    while most > 0:
        wanted = min(size, most)
        block = file.read(wanted, dtype="float32", always_2d=True)
        yield downmix.averaged(block)
        most -= len(block)
        if len(block) < wanted:
            return


def _claimed(file: sf.SoundFile, source: Source) -> int:
    """The samples per channel that libsndfile expects; it does not know the end of a pipe."""
    return integrity.UNKNOWN if isinstance(source, int) else file.frames


def _bytes_per_sample(file: sf.SoundFile, sample_rate: int) -> int:
    """Bytes of a sample of the average as float32, decoded or resampled."""
    return 4 * max(1, math.ceil(sample_rate / file.samplerate))


def _check_path(path: Path) -> None:
    if not path.exists():
        raise Unreadable("a link to nothing" if path.is_symlink() else "no such file")
    if not path.is_file():
        raise Unreadable("a folder" if path.is_dir() else "not a regular file")
    if path.stat().st_size == 0:
        raise Unreadable("zero bytes")
    path.open("rb").close()  # its error is clearer than libsndfile's


def _whole(path: Path, sample_rate: int, max_pcm: int) -> _Decoded:
    """All samples of a file."""
    before = path.stat()
    if format_ := _for_ffmpeg(path):
        with ffmpeg.decoding(path, format_) as running:
            decoded = _read(running.output, sample_rate, max_pcm)
            running.check(decoded.seconds)
    elif _magic(path) == ogg.MAGIC:
        decoded = _chained(ogg.links(path.read_bytes()), sample_rate, max_pcm)
    else:
        decoded = _read(lengths.with_length(path) or path, sample_rate, max_pcm)
        if decoded.format == "MP3":
            decoded = _whole_mp3(path.read_bytes(), decoded, sample_rate, max_pcm)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Unreadable("was changed while it was read")
    return decoded


def _for_ffmpeg(path: Path) -> str | None:
    """The format of a file that libsndfile cannot open and ffmpeg may decode, or None."""
    if (format_ := integrity.foreign(path)) not in ffmpeg.DEMUXERS:
        return None
    try:
        sf.SoundFile(path).close()
    except sf.LibsndfileError:
        return format_
    return None


def _magic(path: Path) -> bytes:
    """The first four bytes after the ID3v2 tags."""
    with path.open("rb") as stream:
        start = stream.read(2**20)
    at = mp3.after_tags(start)
    return start[at : at + 4]


def _read(source: Source, sample_rate: int, max_pcm: int) -> _Decoded:
    """All samples of a file or of its content."""
    try:
        with _Forward(source, closefd=False) as file:
            _check_claims(file)
            size = _bytes_per_sample(file, sample_rate)
            most = min(file.frames, max_pcm // size + 1)
            downmix = Downmix(file.channels)
            blocks = list(_blocks(file, downmix, most, most))
            claimed, log = _claimed(file, source), file.extra_info
            native, format_ = file.samplerate, file.format
    except sf.LibsndfileError as error:
        named = integrity.foreign(source) if isinstance(source, Path) else None
        known = named and f"{named}; convert it to FLAC or WAV"
        words = WORDS.get(error.code) or known or error.error_string
        raise Unreadable(f"not decodable: {words}") from error
    except TypeError as error:  # soundfile takes *.raw for headerless
        raise Unreadable(f"not decodable: {error}") from error
    mono = blocks[0] if len(blocks) == 1 else np.concatenate([np.empty(0, np.float32), *blocks])
    if len(mono) * size > max_pcm:
        raise _TooLong(
            f"more than {max_pcm / MIB:g} MiB of samples; raise audio.max_pcm_mib in params/audio.yaml"
        )
    if fault := integrity.truncation(format_, log, claimed, len(mono), native):
        raise Unreadable(fault)
    return _Decoded(mono, native, format_, downmix)


def _chained(links: list[bytes], sample_rate: int, max_pcm: int) -> _Decoded:
    """All samples of the streams of an Ogg file, one after the other."""
    parts: list[_Decoded] = []
    for link in links:
        parts.append(_read(io.BytesIO(link), sample_rate, max_pcm))
        max_pcm -= parts[-1].mono.nbytes
    kinds = {(part.sample_rate, part.downmix.channels) for part in parts}
    if len(kinds) > 1:
        raise Unreadable(
            "its streams have different sample rates or channels: "
            f"{', '.join(f'{rate} Hz, {channels} channels' for rate, channels in sorted(kinds))}"
        )
    downmix = sum((part.downmix for part in parts), Downmix(parts[0].downmix.channels))
    return parts[0]._replace(mono=np.concatenate([part.mono for part in parts]), downmix=downmix)


def _whole_mp3(data: bytes, decoded: _Decoded, sample_rate: int, max_pcm: int) -> _Decoded:
    """All samples of an mp3, of which libsndfile may have decoded the first."""
    if mp3.fault(data, len(decoded.mono), decoded.sample_rate):
        decoded = _read(io.BytesIO(mp3.counted(data)), sample_rate, max_pcm)
    if fault := mp3.fault(data, len(decoded.mono), decoded.sample_rate):
        raise Unreadable(fault)
    return decoded


def _check_claims(file: sf.SoundFile) -> None:
    """Raise if the header has values that no recording has."""
    if file.samplerate not in RATES:
        raise Unreadable(f"its header says {file.samplerate} Hz")
    if file.channels > MAX_CHANNELS:
        raise Unreadable(f"its header says {file.channels} channels")


def _fault(decoded: _Decoded, min_seconds: float) -> str | None:
    """The reason why decoded audio cannot be used, or None."""
    mono, seconds = decoded.mono, decoded.seconds
    if len(mono) == 0:
        return "no samples"
    if fault := _impossible(mono):
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


def _impossible(mono: np.ndarray) -> str | None:
    """The reason why samples are no audio, or None."""
    if not np.isfinite(mono).all():
        return "holds NaN" if np.isnan(mono).any() else "holds infinity"
    peak = np.abs(mono).max(initial=0)
    return f"peak at {peak:.3g} times full scale" if peak > LOUDEST else None
