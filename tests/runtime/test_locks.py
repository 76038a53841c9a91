"""A lock is of one process at a time, and ends with it."""

import subprocess
import sys

from mer.runtime.locks import lock

HOLD = """
import pathlib, sys
from mer.runtime.locks import lock
with lock(pathlib.Path(sys.argv[1])) as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_of_one_process_and_ends_with_it(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        with lock(tmp_path) as ours:
            assert not ours
        other.kill()
        other.wait()
        with lock(tmp_path) as ours:
            assert ours


def test_what_is_not_there_cannot_be_locked(tmp_path):
    with lock(tmp_path / "gone") as ours:
        assert not ours
