"""Shared memory that killed processes have left behind: semaphores of loky, arrays of joblib.

The names of both hold only the id of a process. So each process that starts workers writes a note with its
id, which it locks until it ends; a note without a lock is of a process that was killed.
"""

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

import psutil

from mer.runtime.locks import try_lock

SHARED = Path("/dev/shm")
NAMESPACE = Path("/proc/self/ns/pid")  # in which ids of processes count; a container has its own
LEFT = ("sem.loky-{}-*", "joblib_memmapping_folder_{}_*", "mer-progress-{}-*")

_held = ExitStack()
atexit.register(_held.close)


@cache
def claim() -> None:
    """Write the note of this process, and remove what killed ones have left (Linux only)."""
    if not SHARED.is_dir() or not NAMESPACE.exists():
        return
    sweep()
    prefix = f"{_notes()}{os.getpid()}-"
    note = _held.enter_context(tempfile.NamedTemporaryFile(prefix=prefix))  # noqa: SIM115 (_held closes it)
    _held.enter_context(try_lock(Path(note.name)))


def _notes() -> str:
    """Beginning of the names of the notes of this user."""
    return f"mer-{os.getuid()}-{re.sub(r'[^0-9]', '', str(NAMESPACE.readlink()))}-"


def sweep() -> None:
    """Remove what the processes have left whose notes no process holds."""
    for note in Path(tempfile.gettempdir()).glob(f"{_notes()}*-*"):
        process = int(note.name.removeprefix(_notes()).partition("-")[0])
        with suppress(OSError), try_lock(note) as ended:  # another process may remove the same
            if ended and note.stat().st_uid == os.getuid() and not psutil.pid_exists(process):
                for path in _left(process, note.stat().st_mtime):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                note.unlink()


def _left(process: int, since: float) -> Iterator[Path]:
    """Files and folders of this user with the id of a process in their names, not older than its note."""
    places = {
        SHARED,
        Path(tempfile.gettempdir()),
        Path(os.environ.get("JOBLIB_TEMP_FOLDER") or SHARED),
    }
    for path in (p for place in places for name in LEFT for p in place.glob(name.format(process))):
        status = path.lstat()
        if status.st_uid == os.getuid() and status.st_mtime >= since:
            yield path
