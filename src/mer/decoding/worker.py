"""The process that decodes audio files; a malicious or damaged file can only harm this process.

``mer.decoding.client`` starts it (``python -m mer.decoding.worker``), requests one file at a time and
restarts it if it has ended. It imports little, so that it starts in a fraction of a second.

A request is a line of JSON on standard input: under ``file`` the arguments of ``mer.decoding.files.decode``
or ``mer.decoding.long_files.pieces``, and the limits of the process. The response to ``decode`` is
``HEADER``, then float32 samples or, in UTF-8, the reason for an error. The response to ``pieces`` is one
such response per piece, then one without samples.
"""

import json
import math
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from mer import PARENT_PID
from mer.decoding import files, long_files
from mer.errors import Unreadable
from mer.runtime.processes import end_with_parent, limit

HEADER = struct.Struct("<?q")  # whether samples follow; how many bytes
OUT_OF_MEMORY = 77  # exit status


def _answers(request: dict[str, Any]) -> Iterator[tuple[bool, bytes | memoryview]]:
    """Whether a file, or the next piece of it, could be decoded; its samples, or why not."""
    try:
        path = Path(request.pop("path"))
        if request.pop("in_pieces"):
            yield from (
                (True, piece.data.cast("B")) for piece in long_files.pieces(path, **request)
            )
            yield True, b""
        else:
            yield True, files.decode(path, **request).data.cast("B")
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
    end_with_parent(PARENT_PID)
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
