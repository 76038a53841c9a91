import os
import time

import numpy as np
import pytest
from safetensors.numpy import save_file

from mer.errors import MerError
from mer.io import checkpoints
from mer.io.checkpoints import write_result
from mer.runtime.locks import try_lock
from mer.seeds import generator


def noise(item):
    return generator(1, item).standard_normal(5)


def named(item):
    return checkpoints.Arrays(noise=noise(item))


def fragile(item):
    if item == 3:
        raise MerError("the third cannot be had")
    return named(item)


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SCRATCH", tmp_path / "scratch")
    monkeypatch.delenv("MER_DASK", raising=False)
    return tmp_path / "scratch"


def test_resumed_work_keeps_what_was_done(monkeypatch, scratch):
    monkeypatch.setenv("MER_JOBS", "1")
    with (
        pytest.raises(MerError, match="third"),
        checkpoints.checkpointed_map("key", checkpoints.Arrays) as work,
    ):
        list(work(fragile, list(range(5)), label="fragile"))
    (kept,) = scratch.iterdir()
    assert sorted(p.name for p in kept.iterdir()) == [f"{i}.safetensors" for i in range(3)]
    save_file({"noise": np.full(5, 7.0)}, kept / "0.safetensors")
    with checkpoints.checkpointed_map("key", checkpoints.Arrays) as work:
        found = [arrays["noise"] for arrays in work(named, list(range(5)), label="noise")]
    assert (found[0] == 7).all()
    assert (found[4] == noise(4)).all()
    assert not kept.exists()


def test_what_no_run_has_used_for_a_month_is_removed(monkeypatch, scratch):
    monkeypatch.setenv("MER_JOBS", "1")
    for name, days in (("old", 31), ("at work", 31), ("recent", 29)):
        (scratch / name).mkdir(parents=True)
        write_result(named(0), scratch / name / "0.safetensors")
        then = time.time() - days * 24 * 3600
        os.utime(scratch / name, (then, then))
    with (
        try_lock(scratch / "at work"),
        checkpoints.checkpointed_map("key", checkpoints.Arrays) as work,
    ):
        list(work(named, [0], label="noise"))
    assert sorted(path.name for path in scratch.iterdir()) == ["at work", "recent"]


def test_work_of_another_version_of_the_code_is_done_again(monkeypatch, scratch):
    monkeypatch.setenv("MER_JOBS", "1")
    with checkpoints.checkpointed_map("key", checkpoints.Arrays, until=float("inf")) as work:
        next(work(named, [0, 1], label="noise"))
        (kept,) = scratch.iterdir()
    save_file({"noise": np.full(5, 7.0)}, kept / "0.safetensors")
    monkeypatch.setattr(checkpoints, "package_digest", lambda: "another")
    with checkpoints.checkpointed_map("key", checkpoints.Arrays) as work:
        (found,) = work(named, [0], label="noise")
    assert (found["noise"] == noise(0)).all()


def test_no_item_is_started_when_the_time_is_up(monkeypatch, scratch):
    monkeypatch.setenv("MER_JOBS", "1")
    with checkpoints.checkpointed_map("key", checkpoints.Arrays, until=float("inf")) as work:
        next(work(named, list(range(3)), label="noise"))
        (kept,) = scratch.iterdir()
    save_file({"noise": np.full(5, 7.0)}, kept / "0.safetensors")
    with checkpoints.checkpointed_map("key", checkpoints.Arrays, until=0.0) as work:
        found = list(work(named, list(range(3)), label="noise"))
    assert (found[0]["noise"] == 7).all()
    assert found[1:] == [None, None]
    assert kept.exists()


def test_two_runs_over_the_same_inputs_do_not_disturb_each_other(monkeypatch, scratch):
    monkeypatch.setenv("MER_JOBS", "1")
    with checkpoints.checkpointed_map("key", checkpoints.Arrays) as first:
        rest = first(named, list(range(3)), label="first")
        next(rest)
        with checkpoints.checkpointed_map("key", checkpoints.Arrays) as second:
            found = [arrays["noise"] for arrays in second(named, list(range(3)), label="second")]
        assert len(list(rest)) == 2
    assert (found[2] == noise(2)).all()
    assert list(scratch.iterdir()) == []


def test_another_key_shares_nothing(scratch):
    with (
        checkpoints.checkpointed_map("one", checkpoints.Arrays) as first,
        checkpoints.checkpointed_map("two", checkpoints.Arrays) as second,
    ):
        list(first(named, [0], label="first"))
        (found,) = second(named, [5], label="second")
        assert (found["noise"] == noise(5)).all()
