"""mer.pipeline.experiment_queue: whatever fails or ends it, the experiments that ended are written."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import psutil
import pytest

from conftest import ROOT
from helpers.waiting import PATIENCE, wait_until
from mer.errors import NoTrainingEnded
from mer.pipeline import experiment_queue

PATHS = {"PYTHONPATH": str(ROOT / "src")}
# Of its experiments, ``slow`` ends only when its time is over.
PROGRAM = """
import json
import sys
import time
from pathlib import Path

from mer.pipeline import experiment_queue


def experiment(key, until):
    if key == "slow" and until > time.time():
        Path("started").touch()
        time.sleep(600)
    return {"key": key, "paper": "louro"}


def write(records):
    Path("results.part").write_text(json.dumps(records))
    Path("results.part").replace("results.json")


if __name__ == "__main__":
    inputs = {"fast": [], "slow": []}
    task = experiment_queue.Task(inputs, lambda path: None, experiment, write)
    experiment_queue.run(task, 2, time.time() + float(sys.argv[1]))
"""


@pytest.fixture
def run(monkeypatch, tmp_path):
    """``run(**functions)``: the scored experiments and the errors of three, of which one needs ``tfm``."""

    def start(seconds=PATIENCE, **functions):
        inputs = {"plain": ["mel"], "augmented": ["mel", "tfm"], "other": ["mel"]}
        task = experiment_queue.Task(
            **{
                "inputs": {key: list(map(Path, names)) for key, names in inputs.items()},
                "prepare": Path.mkdir,
                "experiment": lambda key, _until: {"key": key, "paper": "louro"},
                "write": lambda records: written.append(records),
            }
            | functions
        )
        experiment_queue.run(task, 2, time.time() + seconds)
        return outcome(written[-1])

    written = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(experiment_queue, "POLL", 0.01)
    monkeypatch.setattr(experiment_queue, "start_pool", lambda: ThreadPoolExecutor(1))
    return start


def outcome(records):
    """The keys of the experiments with scores, and the errors of the others."""
    errors = {record["key"]: record["error"] for record in records if "error" in record}
    return {record["key"] for record in records} - set(errors), errors


def test_an_experiment_without_an_ended_training_is_late_and_not_failed(run):
    def experiment(key, _until):
        if key == "other":
            raise NoTrainingEnded("none has")
        return {"key": key, "paper": "louro"}

    assert run(experiment=experiment) == (
        {"plain", "augmented"},
        {"other": experiment_queue.LATE},
    )


def test_every_experiment_whose_inputs_are_prepared_is_scored(run):
    assert run() == ({"plain", "augmented", "other"}, {})


def test_a_failed_preparation_loses_only_the_experiments_that_need_it(run):
    def prepare(artefact):
        if artefact.name == "tfm":
            raise ModuleNotFoundError("No module named 'librosa'")
        artefact.mkdir()

    scored, errors = run(prepare=prepare)
    assert scored == {"plain", "other"}
    assert errors == {
        "augmented": "tfm could not be prepared: ModuleNotFoundError: No module named 'librosa'"
    }


def test_an_experiment_that_fails_leaves_the_others(run):
    def experiment(key, _until):
        if key == "plain":
            raise RuntimeError("CUDA out of memory")
        return {"key": key, "paper": "louro"}

    expected = {"augmented", "other"}, {"plain": "RuntimeError: CUDA out of memory"}
    assert run(experiment=experiment) == expected


def test_an_experiment_whose_inputs_are_late_is_named(run):
    scored, errors = run(seconds=-0.9, prepare=lambda _: time.sleep(1))
    assert scored == set()
    assert errors == dict.fromkeys(["plain", "augmented", "other"], "it did not end in time")


def test_at_most_as_many_experiments_run_as_there_are_workers(run, monkeypatch):
    counts, step = [], experiment_queue.Queue.step

    def counted(queue, *given):
        ended = step(queue, *given)
        counts.append(len(queue.running))
        return ended

    def experiment(key, _until):
        time.sleep(0.1)
        return {"key": key, "paper": "louro"}

    monkeypatch.setattr(experiment_queue.Queue, "step", counted)
    scored, _ = run(inputs={key: [] for key in "abcde"}, experiment=experiment)
    assert scored == {*"abcde"}
    assert max(counts) == 2


def test_an_experiment_is_told_the_deadline(run):
    told, started = [], time.time()

    def experiment(key, until):
        told.append(until)
        return {"key": key, "paper": "louro"}

    run(seconds=1000, experiment=experiment)
    assert told == pytest.approx([started + 1000] * 3, abs=PATIENCE)


def with_a_killed_one(key, _until):
    """The experiment ``killed`` ends its process while ``beside`` runs."""
    if key == "killed":
        wait_until(Path("beside").exists)
        os.kill(os.getpid(), signal.SIGKILL)
    Path(key).touch()
    time.sleep(2 if key == "beside" else 0)
    return {"key": key, "paper": "louro"}


def test_a_killed_process_ends_no_other_experiment(monkeypatch, tmp_path):
    written = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests/pipeline"), prepend=os.pathsep)
    inputs = dict.fromkeys(("beside", "killed", "later"), ())
    task = experiment_queue.Task(inputs, Path.mkdir, with_a_killed_one, written.append)
    monkeypatch.setattr(experiment_queue.Queue, "write_ended_folds", lambda _: None)
    experiment_queue.run(task, 2, time.time() + PATIENCE)
    scored, errors = outcome(written[-1])
    assert scored == {"beside", "later"}
    assert errors["killed"].startswith("BrokenProcessPool: ")


def test_a_process_that_was_killed_while_it_waited_is_replaced(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pools = [ThreadPoolExecutor(1), ThreadPoolExecutor(1)]
    monkeypatch.setattr(experiment_queue, "start_pool", iter(pools).__next__)
    monkeypatch.setattr(pools[0], "submit", Mock(side_effect=BrokenExecutor))
    task = experiment_queue.Task({"a": ()}, Path.mkdir, with_a_killed_one, Mock())
    queue = experiment_queue.Queue(task, {}, 1)
    wait_until(lambda: queue.step(0.0) or queue.ended())
    assert queue.records == {"a": {"key": "a", "paper": "louro"}}


@pytest.mark.parametrize(("seconds", "terminated"), [(2 * PATIENCE, True), (5, False)])
def test_neither_sigterm_nor_the_deadline_loses_results_or_leaves_workers(
    tmp_path, seconds, terminated
):
    def read():
        path = tmp_path / "results.json"
        return outcome(json.loads(path.read_text()) if path.exists() else [])

    (tmp_path / "program.py").write_text(PROGRAM)
    program = subprocess.Popen(
        [sys.executable, "program.py", str(seconds)], cwd=tmp_path, env=PATHS
    )
    if terminated:
        wait_until(lambda: (tmp_path / "started").exists() and "fast" in read()[0])
        workers = psutil.Process(program.pid).children(recursive=True)
        assert workers
        program.terminate()
        wait_until(lambda: not any(worker.is_running() for worker in workers))
    assert program.wait(PATIENCE) == (128 + signal.SIGTERM if terminated else 0)
    assert "slow" in read()[0] or not (tmp_path / "started").exists()
