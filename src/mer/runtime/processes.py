"""No process outlives the one that started it, and what a killed one left behind is known as such."""

import ctypes
import os
import resource
import signal
import sys

import psutil

PR_SET_PDEATHSIG = 1


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


def end_at_once(parent: int) -> None:
    """Let this process end at a Ctrl-C, and when ``parent`` does, whatever it is at.

    At once, for a handler in Python waits for NumPy or torch to return. What is half-done lies in
    temporary files, which the next run removes.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent(parent)


def limit(kind: int, value: int) -> None:
    """Let this process have no more of a resource than ``value``.

    Parameters
    ----------
    kind : int
        One of the constants of ``resource``.
    """
    hard = resource.getrlimit(kind)[1]
    soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (soft, hard))


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
