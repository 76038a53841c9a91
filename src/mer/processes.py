"""No process outlives the one that started it, and what a killed one left behind is known as such."""

import ctypes
import os
import signal
import sys

import psutil

PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Let this process end at once when ``parent`` does, or at a Ctrl-C (Linux only).

    At once, for a handler in Python waits for NumPy or torch to return. What is half-done lies in
    temporary files, which the next run removes. Linux watches the thread that started this process:
    start it from one that lives as long as the parent.

    Parameters
    ----------
    parent : int
        Process id. Where it is no longer the parent, this process ends now.
    """
    if sys.platform != "linux":
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def runs(pid: int, since: float) -> bool:
    """Whether the process ``pid`` of the time ``since`` still runs.

    Parameters
    ----------
    since : float
        Seconds since 1970. A process that began later has inherited the number.
    """
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= since
    except psutil.NoSuchProcess:
        return False
