"""Processes that end with their parent, and limits of processes."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PR_SET_PDEATHSIG = 1
SECONDS_BETWEEN_LOOKS = 0.5  # at the parent of a process
REMOVE_AT_END = "import shutil, sys; sys.stdin.read(); shutil.rmtree(sys.argv[1], True)"


def end_with_parent(parent: int) -> None:
    """Let this process end when ``parent`` does (Linux only).

    Linux watches the thread that started this process: start it from one that lives as long as the
    parent.

    Parameters
    ----------
    parent : int
        Process id. Where it is no longer the parent, this process ends now.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def end_after(parent: int) -> None:
    """Let this process end within a second after the process ``parent``.

    ``end_with_parent`` ends a process with the thread that started it, too early for one that other threads
    use later.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def end_at_once(parent: int) -> None:
    """Let this process end immediately at Ctrl-C and when ``parent`` ends.

    A signal handler in Python would wait until NumPy or torch return. Incomplete output is in temporary
    files, which the next run removes.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent(parent)


def limit(kind: int, value: int) -> None:
    """Limit a resource of this process to ``value``.

    Parameters
    ----------
    kind : int
        One of the constants of ``resource``.
    """
    hard = resource.getrlimit(kind)[1]
    soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (soft, hard))


@contextmanager
def removed_at_end(folder: Path) -> Iterator[None]:
    """Remove ``folder`` after the block, and also where a signal kills this process in it.

    Another process waits for the end of a pipe that only this process holds open.
    """
    command = [sys.executable, "-I", "-S", "-c", REMOVE_AT_END, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield
