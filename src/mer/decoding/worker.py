"""The process that decodes audio files; a malicious or damaged file can only harm this process.

``mer.decoding.client`` starts it (``python -m mer.decoding.worker``), requests one file at a time and
restarts it if it has ended. It imports little, so that it starts in a fraction of a second.

A request is a line of JSON on standard input: the arguments of ``decode`` under ``file``, and the limits
of the process. The response is ``HEADER``, then float32 samples or, in UTF-8, the reason for an error.
"""

import json
import math
import os
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile as sf
import soxr

from mer import PARENT
from mer.decoding import integrity
from mer.runtime.processes import end_with_parent, limit

HEADER = struct.Struct("<?q")  # whether samples follow; how many bytes
OUT_OF_MEMORY = 77  # exit status
MIB = 2**20
SILENCE = 2.0**-16  # half a step of 16-bit audio, relative to full scale
LOUDEST = 100.0  # lossy decoders overshoot full scale by half; a flipped exponent by 1e38
RATES = range(1000, 768001)  # Hz; far beyond them, headers are damaged
MAX_CHANNELS = 64
UNKNOWN = 2**63 - 1  # libsndfile's length where a header has none
WORDS = {  # clearer than the messages of libsndfile, by its error code
    7: "no MPEG frame",
    24: "its header has an impossible sample rate, size or number of channels",
}


class Unreadable(Exception):
    """A file that cannot be used; the message is its reason in ``quarantine.csv``."""


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
    mono = sum(channels.T) / channels.shape[1]  # 20 times faster than mean(axis=1)
    if fault := _fault(mono, native, min_seconds):
        raise Unreadable(fault)
    return soxr.resample(mono, native, sample_rate, quality="HQ")


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
    try:
        with sf.SoundFile(path) as file:
            _check_claims(file)
            per_frame = 4 * max(file.channels, math.ceil(sample_rate / file.samplerate))
            # At once: libsndfile seeks between blocks, and an mp3 then decodes differently.
            samples = file.read(max_pcm // per_frame + 1, dtype="float32", always_2d=True)
            claimed, native, log = file.frames, file.samplerate, file.extra_info
    except sf.LibsndfileError as error:
        words = WORDS.get(error.code) or integrity.foreign(path) or error.error_string
        raise Unreadable(f"not decodable: {words}") from error
    except TypeError as error:  # soundfile takes *.raw for headerless
        raise Unreadable(f"not decodable: {error}") from error
    if len(samples) * per_frame > max_pcm:
        raise Unreadable(f"more than {max_pcm / MIB:g} MiB of samples")
    if fault := integrity.truncation(path, file.format, log, claimed, len(samples), native):
        raise Unreadable(fault)
    return samples, native


def _check_claims(file: sf.SoundFile) -> None:
    """Raise if the header has values that no recording has."""
    if file.frames == UNKNOWN:
        raise Unreadable("its header does not say how long it is")
    if file.samplerate not in RATES:
        raise Unreadable(f"its header says {file.samplerate} Hz")
    if file.channels > MAX_CHANNELS:
        raise Unreadable(f"its header says {file.channels} channels")


def _fault(mono: np.ndarray, sample_rate: int, min_seconds: float) -> str | None:
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
    if peak < SILENCE:
        return "silent"
    if np.ptp(mono) < 2 * SILENCE:
        return f"constant offset of {mono.mean():.3g}"
    if peak > LOUDEST:
        return f"peak at {peak:.3g} times full scale"
    return None


def _answer(request: dict[str, Any]) -> tuple[bool, bytes | memoryview]:
    """Whether a file could be decoded; its samples, or why not."""
    try:
        path = Path(request.pop("path"))
        return True, decode(path, **request).data.cast("B")
    except Unreadable as fault:
        reason = str(fault)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # the next file gets a process with all its memory
    except Exception as error:  # damaged bytes find ways that no library foresees
        reason = f"not decodable: {type(error).__name__}: {error}"
    return False, reason.encode("utf-8", "backslashreplace")


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
        decoded, payload = _answer(request["file"])
        answers.write(HEADER.pack(decoded, len(payload)))
        answers.write(payload)
        answers.flush()


if __name__ == "__main__":
    serve()
