"""Errors that a user can fix, printed in one sentence in place of a traceback."""

import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from mer.errors import MerError, lacks_memory

PLENTY = 2**30  # bytes: a disk with as much is not full
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
HERE = "this folder"  # a place to write to that no option changes
FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
Outputs = Mapping[str, Path]


def _sentence(error: Exception, outputs: Outputs | None) -> str | None:
    """The message of an error that the user can fix; None for a bug, which needs its traceback.

    ``MER_TRACEBACK=1`` shows the traceback of every error.
    """
    if os.environ.get("MER_TRACEBACK") == "1":
        return None
    if isinstance(error, MerError):
        return str(error)
    if any(text in str(error) for text in FULL):  # NumPy, Arrow and safetensors each wrap errno
        return _no_room(error, outputs)
    if os.strerror(errno.EFBIG) in str(error):
        return f"files must be allowed the size that they need ({error}); raise `ulimit -f` and run again"
    if lacks_memory(error):
        return (
            f"there must be more memory than this process may take ({error or 'none left'}); raise "
            "`ulimit -v`, set MER_JOBS to fewer, or use a machine with more, and run again"
        )
    return None


def _no_room(error: Exception, outputs: Outputs | None) -> str:
    """The fullest disk that this program writes to, and how to write to another."""
    places = {
        **{option: path.absolute().parent for option, path in (outputs or {}).items()},
        HERE: Path.cwd(),
        "TMPDIR": Path(tempfile.gettempdir()),
        "JOBLIB_TEMP_FOLDER": Path(os.environ.get("JOBLIB_TEMP_FOLDER", "/dev/shm")),
    }
    room = {option: shutil.disk_usage(at).free for option, at in places.items() if at.is_dir()}
    option = min(room, key=lambda name: room[name])  # of places on the same disk, the first
    if outputs is not None and room[option] > PLENTY:
        return (
            f"there must be room where this writes, and there is none ({error}) though every disk that it "
            "knows has some; lead standard output, or its file, to another place and run again"
        )
    if outputs is None:
        remedy = (
            " and run `dvc repro`, or go back to the outputs of the last run with "
            "`dvc checkout -q --allow-missing`"
        )
    else:
        elsewhere = "" if option == HERE else f", or name a place on another disk with {option},"
        remedy = f"{elsewhere} and run again"
    return (
        f"the disk must have room for the output and temporary files, and {places[option]} has "
        f"{room[option] / 1e6:.0f} MB left ({error}); free some{remedy}"
    )


def printable(text: str) -> str:
    """Text for a terminal: control characters, which a file name may hold, are shown as ``\\x1b``."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def printable_name(name: str) -> str:
    """As ``printable``, on one line: line breaks and tabs are shown like other control characters."""
    return printable(name).replace("\t", "\\x09").replace("\n", "\\x0a")


@contextmanager
def one_sentence(name: str, outputs: Outputs | None = None) -> Iterator[None]:
    """Print a ``MerError`` or a full disk without a traceback, and exit with status 1.

    Parameters
    ----------
    outputs : mapping of str to Path, or None
        The files that a command writes, by the option that names each; None for what DVC runs.
    """
    try:
        yield
    except Exception as error:
        if (sentence := _sentence(error, outputs)) is None:
            raise
        message = Text.assemble((f"{name}: ", "bold red"), printable(sentence))
        Console(stderr=True).print(message, soft_wrap=True)
        sys.exit(1)
