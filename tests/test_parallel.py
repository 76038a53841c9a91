from pathlib import Path

import joblib
import numpy as np
import pytest
from safetensors.numpy import save_file

from mer import parallel
from mer.errors import MerError
from mer.seeds import generator


def noise(item):
    return generator(1, item).standard_normal(5)


def named(item):
    return parallel.Arrays(noise=noise(item))


def fragile(item):
    if item == 3:
        raise MerError("the third cannot be had")
    return named(item)


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "SCRATCH", tmp_path / "scratch")
    monkeypatch.delenv("MER_DASK", raising=False)
    return tmp_path / "scratch"


def run():
    return np.stack(list(parallel.parallel_map(noise, list(range(7)), label="noise")))


def folder(_):
    return str(Path.cwd())


def test_processes_work_in_the_current_folder_also_after_a_change_of_it(monkeypatch, tmp_path):
    monkeypatch.setenv("MER_JOBS", "2")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert set(parallel.parallel_map(folder, [0, 1, 2], label="")) == {str(tmp_path / name)}


def test_number_of_workers_does_not_matter(monkeypatch):
    expected = np.stack([noise(i) for i in range(7)])
    for jobs in ("1", "2"):
        monkeypatch.setenv("MER_JOBS", jobs)
        assert (run() == expected).all()


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_bad_number_of_jobs_is_named(monkeypatch, value):
    monkeypatch.setenv("MER_JOBS", value)
    with pytest.raises(MerError, match=f"MER_JOBS must be a positive integer, not '{value}'"):
        parallel.jobs()


def test_resumed_work_keeps_what_was_done(monkeypatch, scratch):
    monkeypatch.setenv("MER_JOBS", "1")
    with (
        pytest.raises(MerError, match="third"),
        parallel.checkpointed_map("key", parallel.Arrays) as work,
    ):
        list(work(fragile, list(range(5)), label="fragile"))
    (kept,) = scratch.iterdir()
    assert sorted(p.name for p in kept.iterdir()) == [f"{i}.safetensors" for i in range(3)]
    save_file({"noise": np.full(5, 7.0)}, kept / "0.safetensors")
    with parallel.checkpointed_map("key", parallel.Arrays) as work:
        found = [arrays["noise"] for arrays in work(named, list(range(5)), label="noise")]
    assert (found[0] == 7).all()
    assert (found[4] == noise(4)).all()
    assert not kept.exists()


def test_no_item_is_started_when_the_time_is_up(monkeypatch, scratch):
    monkeypatch.setenv("MER_JOBS", "1")
    with parallel.checkpointed_map("key", parallel.Arrays, until=float("inf")) as work:
        next(work(named, list(range(3)), label="noise"))
        (kept,) = scratch.iterdir()
    save_file({"noise": np.full(5, 7.0)}, kept / "0.safetensors")
    with parallel.checkpointed_map("key", parallel.Arrays, until=0.0) as work:
        found = list(work(named, list(range(3)), label="noise"))
    assert (found[0]["noise"] == 7).all()
    assert found[1:] == [None, None]
    assert kept.exists()


def test_two_runs_over_the_same_inputs_do_not_disturb_each_other(monkeypatch, scratch):
    monkeypatch.setenv("MER_JOBS", "1")
    with parallel.checkpointed_map("key", parallel.Arrays) as first:
        rest = first(named, list(range(3)), label="first")
        next(rest)
        with parallel.checkpointed_map("key", parallel.Arrays) as second:
            found = [arrays["noise"] for arrays in second(named, list(range(3)), label="second")]
        assert len(list(rest)) == 2
    assert (found[2] == noise(2)).all()
    assert list(scratch.iterdir()) == []


def test_no_more_processes_start_than_there_are_items(monkeypatch):
    monkeypatch.setenv("MER_JOBS", "1000")
    used = []
    real = joblib.parallel_config
    monkeypatch.setattr(
        joblib,
        "parallel_config",
        lambda *words, **named: used.append(named) or real(*words, **named),
    )
    assert len(list(parallel.parallel_map(noise, [0], label="noise"))) == 1
    assert used[0]["n_jobs"] == 1


def test_another_key_shares_nothing(scratch):
    with (
        parallel.checkpointed_map("one", parallel.Arrays) as first,
        parallel.checkpointed_map("two", parallel.Arrays) as second,
    ):
        list(first(named, [0], label="first"))
        (found,) = second(named, [5], label="second")
        assert (found["noise"] == noise(5)).all()


def test_generators_depend_on_every_part_of_the_key():
    draws = {
        float(generator(*key).random())
        for key in [
            (1, "a", 0),
            (2, "a", 0),
            (1, "b", 0),
            (1, "a", 1),
            (1, "a0"),
            (1, "a", "0", ""),
        ]
    }
    assert len(draws) == 6
    assert generator(1, "a", 0).random() == generator(1, "a", 0).random()
