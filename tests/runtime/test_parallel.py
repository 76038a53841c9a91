import threading
import time
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest

from mer.errors import MerError
from mer.runtime import parallel
from mer.seeds import generator


def noise(item):
    return generator(1, item).standard_normal(5)


@pytest.fixture(autouse=True)
def without_dask(monkeypatch):
    monkeypatch.delenv("MER_DASK", raising=False)


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


def test_processes_serve_the_thread_after_the_one_that_started_them(monkeypatch):
    """As in a server that answers each request in a thread of its own."""
    monkeypatch.setenv("MER_JOBS", "2")
    found: list[list[int]] = []

    def request():
        found.append(list(parallel.parallel_map(abs, [-1, -2, -3], label="")))

    for _ in range(4):
        thread = threading.Thread(target=request)
        thread.start()
        thread.join()
    assert found == [[1, 2, 3]] * 4


HELD = []


def grow(item):
    """Keep 400 MB from the second call of a process on, more than joblib lets one grow by."""
    time.sleep(1.1)
    HELD.append(np.ones(1 if not HELD else 50_000_000))
    return item


def test_a_process_that_grows_is_replaced_without_a_warning(monkeypatch, recwarn):
    monkeypatch.setenv("MER_JOBS", "2")
    assert list(parallel.parallel_map(grow, list(range(6)), label="")) == list(range(6))
    assert not [str(found.message) for found in recwarn]


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


def writes(array, _):
    array[0] += 1
    return array[0]


def test_a_large_array_can_be_written_by_a_process_and_stays_as_it_was_for_the_others(monkeypatch):
    monkeypatch.setenv("MER_JOBS", "2")
    array = np.zeros(2**18)  # 2 MiB: joblib maps it into the memory of each process
    found = list(parallel.parallel_map(partial(writes, array), [0, 1], label="writes"))
    assert found == [1, 1]
    assert array[0] == 0


def odd(item):
    return item if item % 2 else None


def test_an_item_without_a_result_does_not_count_as_done(capsys):
    assert list(parallel.parallel_map(odd, range(5), label="odd", sequential=True)) == [
        *(None, 1, None, 3, None)
    ]
    assert capsys.readouterr().err == "odd: 2 of 5\n"
