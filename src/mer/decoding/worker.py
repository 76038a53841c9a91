"""The process that decodes audio files; a malicious or damaged file can only harm this process.

``mer.decoding.client`` starts it (``python -m mer.decoding.worker``), requests one file at a time and
restarts it if it has ended. It imports little, so that it starts in a fraction of a second.

A request is a line of JSON on standard input: the arguments of ``decode`` or ``pieces`` under ``file``, and
the limits of the process. The response to ``decode`` is ``HEADER``, then float32 samples or, in UTF-8, the
reason for an error. The response to ``pieces`` is one such response per piece, then one without samples.
"""

import io
import json
import math
import os
import resource
import signal
import struct
import sys
from collections.abc import Generator, Iterator
from mmap import mmap
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile as sf
import soxr

from mer import PARENT
from mer.decoding import ffmpeg, integrity, lengths, mp3, ogg
from mer.errors import Unreadable
from mer.runtime.processes import end_with_parent, limit

HEADER = struct.Struct("<?q")  # whether samples follow; how many bytes
OUT_OF_MEMORY = 77  # exit status
MIB = 2**20
SILENCE = 2.0**-16  # half a step of 16-bit audio, relative to full scale
LOUDEST = 100.0  # lossy decoders overshoot full scale by half; a flipped exponent by 1e38
RATES = range(1000, 768001)  # Hz; far beyond them, headers are damaged
MAX_CHANNELS = 64
Source = Path | BinaryIO | mmap | int  # an int is the file descriptor of a pipe
CANCELLED = 0.1  # of the power of the average of independent channels
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


def decode(path: Path, sample_rate: int, min_seconds: float, max_pcm: int) -> np.ndarray:
    """The average of a file's channels at ``sample_rate`` Hz [shape=(n,), dtype=float32].

    Parameters
    ----------
    sample_rate : int
        Sample rate of the result in Hz (soxr, quality HQ).
    min_seconds : float
        Shortest duration accepted.
    max_pcm : int
        Most bytes of float32 samples accepted, in the file or in the result.

    Raises
    ------
    Unreadable
        If the file is missing, empty, truncated or silent, or cannot be decoded.
    """
    try:
        _check_path(path)
        channels, native = _samples(path, sample_rate, max_pcm)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from error
    mono = _mono(channels)
    if fault := _fault(mono, native, min_seconds, channels):
        raise Unreadable(fault)
    return soxr.resample(mono, native, sample_rate, quality="HQ")


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
            if (format_ := integrity.foreign(path)) in ffmpeg.DEMUXERS:
                with ffmpeg.decoding(path, format_) as running:
                    running.check((yield from _blocks(running.output, sample_rate, max_pcm)))
                return
            source = _counted_mp3(path) or lengths.with_length(path) or path
            yield from _blocks(source, sample_rate, max_pcm)
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


def _blocks(source: Source, sample_rate: int, max_pcm: int) -> Generator[np.ndarray, None, float]:
    """The samples of a long file, in blocks of at most ``max_pcm`` bytes; returns the file's seconds."""
    with _Forward(source, closefd=False) as file:
        native, count = file.samplerate, 0
        stream = soxr.ResampleStream(native, sample_rate, 1, dtype="float32", quality="HQ")
        size, last = max_pcm // _bytes_per_frame(file, sample_rate), False
        while not last:
            channels = file.read(size, dtype="float32", always_2d=True)
            count += len(channels)
            last = len(channels) < size
            mono = _mono(channels)
            if not np.isfinite(mono).all() or np.abs(mono).max(initial=0) > LOUDEST:
                raise Unreadable(_fault(mono, native, 0, channels) or "")
            found = stream.resample_chunk(mono, last=last)
            if len(found):
                yield found
        claimed = _claimed(file, source)
        if fault := integrity.truncation(file.format, file.extra_info, claimed, count, native):
            raise Unreadable(fault)
    return count / native


def _claimed(file: sf.SoundFile, source: Source) -> int:
    """The samples per channel that libsndfile expects; it does not know the end of a pipe."""
    return integrity.UNKNOWN if isinstance(source, int) else file.frames


def _mono(channels: np.ndarray) -> np.ndarray:
    """The average of the channels [shape=(n,)]."""
    return sum(channels.T) / channels.shape[1]  # 20 times faster than mean(axis=1)


def _bytes_per_frame(file: sf.SoundFile, sample_rate: int) -> int:
    """Bytes of the samples of one instant as float32, decoded or resampled."""
    return 4 * max(file.channels, math.ceil(sample_rate / file.samplerate))


def _check_path(path: Path) -> None:
    if not path.exists():
        raise Unreadable("a link to nothing" if path.is_symlink() else "no such file")
    if not path.is_file():
        raise Unreadable("a folder" if path.is_dir() else "not a regular file")
    if path.stat().st_size == 0:
        raise Unreadable("zero bytes")
    path.open("rb").close()  # its error is clearer than libsndfile's


def _samples(path: Path, sample_rate: int, max_pcm: int) -> tuple[np.ndarray, int]:
    """All channels [shape=(n, channels), dtype=float32] and the file's sample rate in Hz."""
    before = path.stat()
    if (format_ := integrity.foreign(path)) in ffmpeg.DEMUXERS:
        with ffmpeg.decoding(path, format_) as running:
            samples, native, _ = _read(running.output, sample_rate, max_pcm)
            running.check(len(samples) / native)
    elif _magic(path) == ogg.MAGIC:
        samples, native = _chained(ogg.links(path.read_bytes()), sample_rate, max_pcm)
    else:
        source = lengths.with_length(path) or path
        samples, native, format_ = _read(source, sample_rate, max_pcm)
        if format_ == "MP3":
            samples = _whole_mp3(path.read_bytes(), samples, native, sample_rate, max_pcm)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Unreadable("was changed while it was read")
    return samples, native


def _magic(path: Path) -> bytes:
    """The first four bytes after the ID3v2 tags."""
    with path.open("rb") as stream:
        start = stream.read(2**20)
    at = mp3.after_tags(start)
    return start[at : at + 4]


def _read(source: Source, sample_rate: int, max_pcm: int) -> tuple[np.ndarray, int, str]:
    """The values of ``_samples`` for a file or its content, and libsndfile's name of the format."""
    try:
        with _Forward(source, closefd=False) as file:
            _check_claims(file)
            per_frame = _bytes_per_frame(file, sample_rate)
            frames = min(file.frames, max_pcm // per_frame + 1)
            samples = file.read(frames, dtype="float32", always_2d=True)
            claimed, native, log = _claimed(file, source), file.samplerate, file.extra_info
            format_ = file.format
    except sf.LibsndfileError as error:
        named = integrity.foreign(source) if isinstance(source, Path) else None
        known = named and f"{named}; convert it to FLAC or WAV"
        words = WORDS.get(error.code) or known or error.error_string
        raise Unreadable(f"not decodable: {words}") from error
    except TypeError as error:  # soundfile takes *.raw for headerless
        raise Unreadable(f"not decodable: {error}") from error
    if len(samples) * per_frame > max_pcm:
        raise _TooLong(
            f"more than {max_pcm / MIB:g} MiB of samples; raise audio.max_pcm_mib in params/audio.yaml"
        )
    if fault := integrity.truncation(format_, log, claimed, len(samples), native):
        raise Unreadable(fault)
    return samples, native, format_


def _chained(links: list[bytes], sample_rate: int, max_pcm: int) -> tuple[np.ndarray, int]:
    """The values of ``_samples`` for the streams of an Ogg file, one after the other."""
    parts: list[np.ndarray] = []
    kinds = set()
    for link in links:
        samples, native, _ = _read(io.BytesIO(link), sample_rate, max_pcm)
        max_pcm -= samples.nbytes
        parts.append(samples)
        kinds.add((native, samples.shape[1]))
    if len(kinds) > 1:
        raise Unreadable(
            "its streams have different sample rates or channels: "
            f"{', '.join(f'{rate} Hz, {channels} channels' for rate, channels in sorted(kinds))}"
        )
    return np.concatenate(parts), native


def _whole_mp3(
    data: bytes, samples: np.ndarray, native: int, sample_rate: int, max_pcm: int
) -> np.ndarray:
    """All samples of an mp3, of which libsndfile decoded ``samples``."""
    if mp3.fault(data, len(samples), native):
        samples, native, _ = _read(io.BytesIO(mp3.counted(data)), sample_rate, max_pcm)
    if fault := mp3.fault(data, len(samples), native):
        raise Unreadable(fault)
    return samples


def _check_claims(file: sf.SoundFile) -> None:
    """Raise if the header has values that no recording has."""
    if file.samplerate not in RATES:
        raise Unreadable(f"its header says {file.samplerate} Hz")
    if file.channels > MAX_CHANNELS:
        raise Unreadable(f"its header says {file.channels} channels")


def _fault(
    mono: np.ndarray, sample_rate: int, min_seconds: float, channels: np.ndarray
) -> str | None:
    """The reason why decoded audio cannot be used, or None."""
    if len(mono) == 0:
        return "no samples"
    if not np.isfinite(mono).all():
        return "holds NaN" if np.isnan(mono).any() else "holds infinity"
    if len(mono) < min_seconds * sample_rate:
        return (
            f"shorter than {min_seconds:g} s: {len(mono)} samples, {len(mono) / sample_rate:.3f} s"
        )
    peak = np.abs(mono).max()
    if np.abs(channels).max() >= SILENCE and (share := _power_left(mono, channels)) < CANCELLED:
        return (
            f"its {channels.shape[1]} channels cancel out: their average has {share:.1%} of the power "
            "that independent channels would leave; invert one of them"
        )
    if peak < SILENCE:
        return "silent"
    if np.ptp(mono) < 2 * SILENCE:
        return f"constant offset of {mono.mean():.3g}"
    if peak > LOUDEST:
        return f"peak at {peak:.3g} times full scale"
    return None


def _power_left(mono: np.ndarray, channels: np.ndarray) -> float:
    """The power of the average of channels; 1 if they are independent, 0 if they cancel out."""
    count = channels.shape[1]
    if count == 1:
        return 1.0
    power = sum(float(np.dot(channel, channel)) for channel in channels.T)
    return count**2 * float(np.dot(mono, mono)) / power


def _answers(request: dict[str, Any]) -> Iterator[tuple[bool, bytes | memoryview]]:
    """Whether a file, or the next piece of it, could be decoded; its samples, or why not."""
    try:
        path = Path(request.pop("path"))
        if request.pop("in_pieces"):
            yield from ((True, piece.data.cast("B")) for piece in pieces(path, **request))
            yield True, b""
        else:
            yield True, decode(path, **request).data.cast("B")
        return
    except Unreadable as fault:
        reason = str(fault)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # the next file gets a process with all its memory
    except Exception as error:  # damaged bytes find ways that no library foresees
        reason = f"not decodable: {type(error).__name__}: {error}"
    yield False, reason.encode("utf-8", "backslashreplace")


def _prepare() -> BinaryIO:
    """Tie this process to its parent, silence the libraries; the stream for answers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    end_with_parent(PARENT)
    limit(resource.RLIMIT_CORE, 0)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    os.dup2(silence, sys.stderr.fileno())
    return answers


def serve() -> None:
    """Answer requests until standard input ends."""
    answers = _prepare()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = used.ru_utime + used.ru_stime
        limit(resource.RLIMIT_CPU, math.ceil(spent + request["cpu_seconds"]))
        limit(resource.RLIMIT_AS, request["memory"])
        for decoded, payload in _answers(request["file"]):
            answers.write(HEADER.pack(decoded, len(payload)))
            answers.write(payload)
            answers.flush()


if __name__ == "__main__":
    serve()
