"""Locks of files and folders that end with the process that holds them, whatever container it runs in."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Try to lock a file or folder for the block.

    Yields
    ------
    bool
        True if this process holds the lock; False if the path is missing or has been replaced, or if
        another process holds the lock.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield _is_ours(descriptor, path)
    finally:
        os.close(descriptor)


@contextmanager
def sole_use(path: Path) -> Iterator[bool]:
    """Try to be the only process in such a block with the same path.

    Parameters
    ----------
    path : Path
        A file that exists during the block only.

    Yields
    ------
    bool
        False if another process is in such a block.
    """
    with path.open("ab") as file:
        ours = _is_ours(file.fileno(), path)
        try:
            yield ours
        finally:
            if ours:
                path.unlink(missing_ok=True)


@contextmanager
def wait_for_lock(path: Path) -> Iterator[None]:
    """Wait until no other process is in such a block with the same path.

    Parameters
    ----------
    path : Path
        A file that exists during the block only.
    """
    while True:
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _leads_to(path, file.fileno()):
                try:
                    yield
                finally:
                    path.unlink()
                return


def _is_ours(descriptor: int, path: Path) -> bool:
    """Whether this process gets the lock, and the path still leads to what it has locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return _leads_to(path, descriptor)


def _leads_to(path: Path, descriptor: int) -> bool:
    """Whether the path leads to the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
