"""A child ends with its parent, however that ends; nothing waits for Python to notice."""

import os
import subprocess
import sys

import psutil
import pytest

from helpers.waiting import PATIENCE, wait_until
from mer.errors import MerError
from mer.runtime import parallel

WORKERS = """
import os, time
from mer.runtime import parallel
list(parallel.parallel_map(time.sleep, [0, 0], label="started"))
print("ready", flush=True)
list(parallel.parallel_map(time.sleep, [60, 60], label="busy"))
"""


def test_workers_end_with_a_killed_parent(tmp_path):
    env = {**os.environ, "MER_JOBS": "2"}
    parent = subprocess.Popen(
        [sys.executable, "-c", WORKERS], cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    while parent.stdout.readline().strip() != "ready":
        assert parent.poll() is None
    process = psutil.Process(parent.pid)
    wait_until(lambda: len(process.children(recursive=True)) >= 2)
    workers = process.children(recursive=True)
    parent.kill()
    parent.communicate()
    assert psutil.wait_procs(workers, PATIENCE)[1] == []


def test_a_process_whose_parent_is_gone_already_ends_at_once():
    code = "from mer.runtime.processes import end_with_parent; end_with_parent(1); print('lives')"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-9, "")


def test_a_process_with_its_parent_lives():
    code = (
        "from mer.runtime.processes import end_with_parent; "
        f"end_with_parent({os.getpid()}); print('lives')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "lives\n")


def end(item):
    if item == 1:
        os.kill(os.getpid(), 9)


def test_a_killed_worker_is_named_in_one_sentence(monkeypatch):
    monkeypatch.delenv("MER_DASK", raising=False)
    monkeypatch.setenv("MER_JOBS", "2")
    with pytest.raises(MerError, match="train: one of the 2 processes was killed"):
        list(parallel.parallel_map(end, [0, 1, 2], label="train"))
