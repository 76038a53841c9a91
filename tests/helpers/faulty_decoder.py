"""``mer.decoding.worker`` for whom the name of a file says what opening it does to the process."""

import ctypes
import os
import signal
import sys
import time

from mer.decoding import files, worker

decode = files.decode


def once(path, fault):
    """Whether the fault is yet to happen, where it is to happen once only."""
    marker = path.with_suffix(".happened")
    if "once" in path.name and marker.exists():
        return False
    marker.touch()
    return fault in path.name


def burn(seconds):
    """Take processor time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def faulty(path, *arguments, **settings):
    if once(path, "crash"):
        ctypes.string_at(0)
    if once(path, "kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if once(path, "hang"):
        time.sleep(1000)
    if once(path, "exit"):
        sys.stdout.flush()
        os._exit(3)
    if once(path, "raise"):
        raise ValueError("array is too big")
    if once(path, "burn"):
        burn(0.7)
    blocks = []
    while once(path, "spin"):
        pass
    while once(path, "hoard"):
        blocks.append(bytes(2**26))
    return decode(path, *arguments, **settings)


if __name__ == "__main__":
    files.decode = faulty
    worker.serve()
