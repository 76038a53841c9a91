"""Decoding in another process with limits: a file may crash or hang that process, never this one."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import cast

import numpy as np

from mer.decoding.streams import MIB
from mer.decoding.worker import HEADER, OUT_OF_MEMORY
from mer.errors import Unreadable
from mer.schema.corpora import Audio

COMMAND = (sys.executable, "-m", "mer.decoding.worker")
TRIES = 2
IN_FILE = "in params/audio.yaml"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

_mine = threading.local()  # each thread has a decoder of its own


class Died(Exception):
    """A decoder ended, or was ended, before it responded; the message is the reason."""


def _end(process: subprocess.Popen, owner: int) -> int | None:
    """End a decoder if it still runs; return its exit status.

    A process that was forked from ``owner``, the one that has started the decoder, leaves it running.
    """
    is_own = os.getpid() == owner
    if is_own:
        process.kill()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    return process.wait() if is_own else None


class Decoder:
    """A process of ``mer.decoding.worker``; it ends with this object, and with this process.

    Attributes
    ----------
    in_pieces : whether pieces of a file are still to come
    owner : number of the process that has started it; one that is forked from it shares its pipes
    """

    def __init__(self) -> None:
        self.in_pieces, self.owner = False, os.getpid()
        self._process = subprocess.Popen(
            COMMAND,
            cwd=Path(__file__).parents[2],
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._requests = cast(FileIO, self._process.stdin)
        self._responses = cast(FileIO, self._process.stdout)
        self.end = weakref.finalize(self, _end, self._process, self.owner)

    def decode(self, path: Path, sample_rate: int, limits: Audio) -> np.ndarray:
        """Call ``mer.decoding.files.decode`` for one file.

        Raises
        ------
        Unreadable
            If the decoder cannot decode the file.
        Died
            If the decoder crashes or exceeds the limits.
        """
        self._request(path, sample_rate, limits, in_pieces=False)
        return self._response(limits)

    def pieces(self, path: Path, sample_rate: int, limits: Audio) -> Iterator[np.ndarray]:
        """Call ``mer.decoding.long_files.pieces`` for one file; the limit of time holds for each piece.

        Raises
        ------
        Unreadable, Died
            As ``decode``.
        """
        self._request(path, sample_rate, limits, in_pieces=True)
        self.in_pieces = True
        try:
            while len(samples := self._response(limits)):
                yield samples
            self.in_pieces = False
        except Unreadable:
            self.in_pieces = False
            raise
        finally:
            if self.in_pieces:  # the rest must not be read as the next response
                self.end()

    def _request(self, path: Path, sample_rate: int, limits: Audio, *, in_pieces: bool) -> None:
        file = {
            "path": str(path),
            "sample_rate": sample_rate,
            "min_seconds": limits.min_seconds,
            "max_pcm": limits.max_pcm_mib * MIB,
            "in_pieces": in_pieces,
        }
        request = {
            "file": file,
            "cpu_seconds": limits.max_cpu_seconds,
            "memory": limits.max_memory_mib * MIB,
        }
        with suppress(BrokenPipeError):  # the response says why
            self._requests.write(json.dumps(request).encode() + b"\n")

    def _response(self, limits: Audio) -> np.ndarray:
        """The samples of the next response."""
        deadline = time.monotonic() + limits.max_wall_seconds
        try:
            decoded, size = HEADER.unpack(self._read(HEADER.size, deadline).data)
            if not 0 <= size <= limits.max_memory_mib * MIB or (decoded and size % 4):
                raise Died(f"the decoder gave an invalid response, of {size} bytes")
            payload = self._read(size, deadline)
        except TimeoutError:
            self.end()
            raise Died(
                f"not decoded within {limits.max_wall_seconds:g} s; raise audio.max_wall_seconds {IN_FILE}"
            ) from None
        except EOFError:
            status = self._process.wait()
            self.end()
            raise Died(_death(status, limits)) from None
        except BaseException:  # the rest of the response must not be read as the next one
            self.end()
            raise
        if not decoded:
            raise Unreadable(payload.tobytes().decode())
        return payload.view(np.float32)

    def _read(self, size: int, deadline: float) -> np.ndarray:
        """The next ``size`` bytes of the decoder's response."""
        ready = select.poll()
        ready.register(self._responses, select.POLLIN)
        content = np.empty(size, np.uint8)
        rest = content.data
        while rest:
            if not ready.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            got = self._responses.readinto(rest)
            if not got:
                raise EOFError
            rest = rest[got:]
        return content


def _death(status: int, limits: Audio) -> str:
    """The reason why a decoder ended."""
    if status == -signal.SIGXCPU:
        seconds = f"{limits.max_cpu_seconds:g} s of processor time"
        return f"takes more than {seconds}; raise audio.max_cpu_seconds {IN_FILE}"
    if status == OUT_OF_MEMORY:
        size = f"{limits.max_memory_mib} MiB of memory"
        return f"takes more than {size}; raise audio.max_memory_mib {IN_FILE}"
    if status < 0:
        return f"the decoder crashed ({signal.Signals(-status).name})"
    return f"the decoder ended with status {status}"


def decode(path: Path, sample_rate: int, limits: Audio) -> np.ndarray:
    """Call ``mer.decoding.files.decode`` in a process that decodes one file after the other.

    A file that ends the process is tried once more in a new one.

    Raises
    ------
    Unreadable
        With the reason of the decoder, or with the reason why it ended.
    """
    for _ in range(TRIES):
        try:
            return _decoder().decode(path, sample_rate, limits)
        except Died as death:
            reason = str(death)
    raise Unreadable(reason)


def pieces(path: Path, sample_rate: int, limits: Audio) -> Iterator[np.ndarray]:
    """Yield what ``mer.decoding.long_files.pieces`` yields in the decoder process.

    If that process dies before the first piece, the file is tried once more, in a new process.

    Raises
    ------
    Unreadable
        As ``decode``.
    """
    for tries_left in reversed(range(TRIES)):
        started = False
        try:
            for samples in _decoder().pieces(path, sample_rate, limits):
                started = True
                yield samples
            return
        except Died as death:
            if started or not tries_left:
                raise Unreadable(str(death)) from None


def _decoder() -> Decoder:
    """The decoder of this thread and process; a new one if it has none that runs and is free."""
    decoder: Decoder | None = getattr(_mine, "decoder", None)
    is_own = decoder is not None and decoder.owner == os.getpid()
    if decoder is None or not is_own or decoder.in_pieces or not decoder.end.alive:
        decoder = _mine.decoder = Decoder()
    return decoder
