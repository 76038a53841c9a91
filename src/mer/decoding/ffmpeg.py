"""Formats that libsndfile cannot read, decoded by the program ffmpeg where it is installed.

ffmpeg writes float32 samples as an AU file without a length into a pipe, and libsndfile reads the pipe: the
memory that this takes does not depend on the length of the recording.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple, cast

from mer.decoding.integrity import TOLERANCE
from mer.errors import Unreadable
from mer.runtime.processes import end_with_parent, limit

DEMUXERS = {"MP4 (AAC, ALAC)": "mov", "AAC": "aac", "Matroska or WebM": "matroska", "WavPack": "wv"}
COMMAND = (
    "ffmpeg -nostdin -hide_banner -nostats -loglevel level+info -xerror -err_detect explode "
    "-protocol_whitelist file -threads 1 -f {demuxer} -i {file} -map 0:a:0 -c:a pcm_f32be -f au pipe:1"
)
MESSAGES = 2**20  # bytes; the system ends an ffmpeg that writes more
ERROR = re.compile(r"^(?:\[[^]]*\] )?\[(?:error|fatal)\] (?:file:.*: )?(.+)$", re.MULTILINE)
DURATION = re.compile(r"^\[info\] +Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
ESTIMATED = "Estimating duration"


class Messages(NamedTuple):
    """ffmpeg's messages about a file.

    Attributes
    ----------
    status : its exit status; negative for the signal that ended it
    text : lines with their level
    """

    status: int
    text: str

    def fault(self) -> str | None:
        """The reason why ffmpeg could not decode the file, or None."""
        if found := ERROR.search(self.text):
            return f"not decodable: ffmpeg says: {found[1]}"
        if self.status < 0:
            return f"not decodable: ffmpeg was ended by {signal.Signals(-self.status).name}"
        return f"not decodable: ffmpeg ended with status {self.status}" if self.status else None

    def truncation(self, seconds: float) -> str | None:
        """The reason why a file of which ``seconds`` were decoded is truncated, or None."""
        found = DURATION.search(self.text)
        if not found or ESTIMATED in self.text:
            return None
        hours, minutes, rest = map(float, found.groups())
        promised = 3600 * hours + 60 * minutes + rest
        if seconds >= (1 - TOLERANCE) * promised:
            return None
        return f"truncated: its header says {promised:.2f} s, {seconds:.2f} s are there"


class Decoding:
    """A running ffmpeg.

    Attributes
    ----------
    output : file descriptor of the pipe with the samples
    """

    def __init__(self, process: subprocess.Popen, log: BinaryIO) -> None:
        self.process = process
        self.log = log
        self.output = cast(BinaryIO, process.stdout).fileno()

    def messages(self) -> Messages:
        """Its messages, after its end; its output must have been read to the end."""
        status = self.process.wait()
        self.log.seek(0)
        return Messages(status, self.log.read().decode(errors="replace"))

    def check(self, seconds: float) -> None:
        """Raise if the file was not decoded to its end.

        Parameters
        ----------
        seconds : float
            Duration of the samples in the output.

        Raises
        ------
        Unreadable
            If ffmpeg could not decode the file, or the header promises a longer one.
        """
        messages = self.messages()
        if fault := messages.fault() or messages.truncation(seconds):
            raise Unreadable(fault)


def _restrict(parent: int) -> None:
    """Let ffmpeg end with this process, and limit what it writes into files."""
    end_with_parent(parent)
    limit(resource.RLIMIT_FSIZE, MESSAGES)


@contextmanager
def decoding(path: Path, format_: str) -> Iterator[Decoding]:
    """Run ffmpeg on a file; it ends with the block.

    Parameters
    ----------
    format_ : str
        A key of ``DEMUXERS``; ffmpeg does not try other formats.

    Raises
    ------
    Unreadable
        If ffmpeg is not installed, or has no output.
    """
    if not shutil.which("ffmpeg"):
        raise Unreadable(f"not decodable: {format_}; install ffmpeg, or convert it to FLAC or WAV")
    names = {"demuxer": DEMUXERS[format_], "file": f"file:{path}"}
    command = [part.format(**names) for part in COMMAND.split()]
    with (
        TemporaryFile() as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=partial(_restrict, os.getpid()),
        ) as process,
    ):
        running = Decoding(process, log)
        try:
            yield running
        except Unreadable:
            if not os.read(running.output, 1) and (fault := running.messages().fault()):
                raise Unreadable(fault) from None  # ffmpeg knows better why there is no more
            raise
        finally:
            process.kill()
