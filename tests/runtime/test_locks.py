"""A lock is of one process at a time, and ends with it."""

import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from mer.runtime.locks import try_lock, wait_for_lock

HOLD = """
import pathlib, sys
from mer.runtime.locks import try_lock
with try_lock(pathlib.Path(sys.argv[1])) as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_of_one_process_and_ends_with_it(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        with try_lock(tmp_path) as ours:
            assert not ours
        other.kill()
        other.wait()
        with try_lock(tmp_path) as ours:
            assert ours


def test_what_is_not_there_cannot_be_locked(tmp_path):
    with try_lock(tmp_path / "gone") as ours:
        assert not ours


def count(path):
    """Add 1 to the number in a file, slowly enough that two at once would lose one."""
    with wait_for_lock(path.with_suffix(".lock")):
        number = int(path.read_text())
        time.sleep(0.02)
        path.write_text(str(number + 1))


def test_turns_follow_each_other_and_leave_no_file(tmp_path):
    path = tmp_path / "number"
    path.write_text("0")
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        list(pool.map(count, [path] * 12))
    assert path.read_text() == "12"
    assert [*tmp_path.iterdir()] == [path]


def test_a_turn_ends_with_an_error(tmp_path):
    with pytest.raises(ValueError, match="ends"), wait_for_lock(tmp_path / "lock"):
        raise ValueError("ends")
    assert not [*tmp_path.iterdir()]
