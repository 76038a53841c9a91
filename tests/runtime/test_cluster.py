"""Work on a Dask cluster: the same results, and a sentence soon after a part of the cluster has ended."""

import time

import numpy as np
import pytest
from distributed import LocalCluster
from safetensors.numpy import save_file

from mer.errors import MerError
from mer.io import checkpoints
from mer.runtime import cluster, parallel
from mer.seeds import generator


def noise(item):
    return checkpoints.Arrays(noise=generator(1, item).standard_normal(5))


def slow(item):
    time.sleep(0.3)
    return noise(item)


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SCRATCH", tmp_path / "scratch")
    return tmp_path / "scratch"


@pytest.fixture
def dask(monkeypatch):
    """A cluster of one worker in a thread of this process."""
    options = {"processes": False, "dashboard_address": None, "silence_logs": 50}
    with LocalCluster(n_workers=1, threads_per_worker=1, protocol="tcp", **options) as found:
        monkeypatch.setenv("MER_DASK", found.scheduler_address)
        yield found


@pytest.mark.usefixtures("dask")
def test_a_cluster_gives_what_this_process_gives():
    found = list(parallel.parallel_map(noise, list(range(7)), label="noise"))
    assert all((found[i]["noise"] == noise(i)["noise"]).all() for i in range(7))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "ftp://host:1"])
def test_a_wrong_address_of_a_scheduler_is_named_soon(monkeypatch, address):
    monkeypatch.setenv("MER_DASK", address)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(
        MerError, match=rf"MER_DASK must be the address of a running .*{address}' does not"
    ):
        list(parallel.parallel_map(noise, [1], label="noise"))


ENDS = {
    "must have workers, and has had none for 1 s": lambda dask: dask.scale(0),
    "must run until the end, and has ended": lambda dask: dask.close(),
}


def interrupted(dask, end):
    """Work that the end of a part of the cluster interrupts after the first of 40 results."""
    with checkpoints.checkpointed_map("key", checkpoints.Arrays) as work:
        results = work(slow, list(range(40)), label="slow")
        next(results)
        end(dask)
        list(results)


@pytest.mark.parametrize("sentence", ENDS)
def test_the_end_of_the_cluster_is_told_soon_and_the_next_run_resumes(
    monkeypatch, scratch, dask, sentence
):
    monkeypatch.setattr(cluster, "WORKER_SECONDS", 1)
    began = time.monotonic()
    with pytest.raises(MerError, match=sentence):
        interrupted(dask, ENDS[sentence])
    assert time.monotonic() - began < 20
    monkeypatch.delenv("MER_DASK")
    monkeypatch.setenv("MER_JOBS", "1")
    (kept,) = scratch.iterdir()
    save_file({"noise": np.full(5, 7.0)}, kept / "0.safetensors")
    with checkpoints.checkpointed_map("key", checkpoints.Arrays) as work:
        found = [arrays["noise"] for arrays in work(noise, list(range(40)), label="noise")]
    assert (found[0] == 7).all()
    assert (found[39] == noise(39)["noise"]).all()
