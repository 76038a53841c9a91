"""What killed processes leave in shared memory goes at the next start; what others hold stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.waiting import wait_until
from mer.runtime import shared_memory

WORK = """
import time
from mer.runtime import parallel
list(parallel.parallel_map(time.sleep, [0, 0], label="started"))
print("ready", flush=True)
time.sleep(60)
"""
NOBODY = 2**22 + 1  # more than any id of a process


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in place of shared memory, which is also the one of temporary files."""
    monkeypatch.setattr(shared_memory, "SHARED", tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def left_by(folder, process, note=True):
    """The note of a process, then a semaphore and an array as it would leave them."""
    if note:
        (folder / f"{shared_memory._notes()}{process}-x").touch()
    semaphore = folder / f"sem.loky-{process}-abcdefgh"
    semaphore.touch()
    arrays = folder / f"joblib_memmapping_folder_{process}_0_0"
    arrays.mkdir()
    (arrays / "array.pkl").write_bytes(b"x")
    return semaphore, arrays


def test_what_a_process_that_has_ended_left_is_removed(folder):
    left_by(folder, NOBODY)
    shared_memory.sweep()
    assert list(folder.iterdir()) == []


def test_what_a_process_without_a_note_left_stays(folder):
    """Other programs use loky too."""
    left = left_by(folder, NOBODY, note=False)
    shared_memory.sweep()
    assert all(path.exists() for path in left)


def test_what_a_living_process_uses_stays(folder):
    left = left_by(folder, os.getpid())
    shared_memory.sweep()
    assert all(path.exists() for path in left)


def test_what_is_older_than_the_note_stays(folder):
    left = left_by(folder, NOBODY)
    for path in left:
        os.utime(path, (0, 0))
    shared_memory.sweep()
    assert all(path.exists() for path in left)


def test_a_locked_note_is_of_a_living_process(folder):
    left = left_by(folder, NOBODY)
    note = folder / f"{shared_memory._notes()}{NOBODY}-x"
    with shared_memory.try_lock(note) as ours:
        assert ours
        shared_memory.sweep()
    assert all(path.exists() for path in (*left, note))


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs /dev/shm")
def test_semaphores_of_a_killed_run_go_at_the_next_start(tmp_path):
    env = {**os.environ, "MER_JOBS": "2", "TMPDIR": str(tmp_path)}
    run = subprocess.Popen(
        [sys.executable, "-c", WORK],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "ready\n"
    left = list(Path("/dev/shm").glob(f"sem.loky-{run.pid}-*"))
    assert left
    os.killpg(run.pid, 9)  # with the process of loky that would remove them
    run.communicate()
    sweep = "from mer.runtime import shared_memory; shared_memory.sweep()"

    def swept():
        subprocess.run([sys.executable, "-c", sweep], cwd=tmp_path, env=env, check=True)
        return not any(path.exists() for path in left)

    wait_until(swept)
    assert not list(tmp_path.glob("mer-*"))
