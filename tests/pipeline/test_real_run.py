"""mer.pipeline.real_run: folds of real experiments until a time."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from mer.io.files import write_json, write_text
from mer.pipeline import experiment, experiment_queue, real_run
from mer.reproduction import spec
from mer.reproduction.real_experiments import RealExperiment

PAPER, KEY = "louro_improving", "svm_4qaed"
SCORES = Path("metrics/experiments", PAPER, f"{KEY}.json")
RUN, PLOT = Path("data/runs", PAPER, KEY), Path("data/plots", PAPER, f"{KEY}.csv")


@pytest.fixture
def ledger(monkeypatch, tmp_path):
    """``ledger(n_folds)``: from now on, a training writes results of so many folds."""
    papers, params = spec.load(), real_run.config.read("seed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(real_run.spec, "load", lambda: papers)
    monkeypatch.setattr(real_run.config, "read", lambda *_: params)
    SCORES.parent.mkdir(parents=True)
    calls = []

    def start(n_folds):
        def run(paper, key, given, settings, columns, **limits):
            calls.append(limits)
            write_json(limits["root"] / SCORES, {"n_folds": n_folds})
            write_text(limits["root"] / PLOT, f"{n_folds}")
            write_text(RUN / "run.json", f"{n_folds}")
            return {"timing": {"training_seconds_per_fold": 2.0}}

        monkeypatch.setattr(experiment, "run", run)
        return calls

    return start


def record():
    path = SCORES.with_suffix(".record.json")
    return json.loads(path.read_text()) if path.exists() else None


def test_a_training_leaves_scores_and_record(ledger):
    ledger(3)
    found = real_run.train(KEY, time.time() + 60, profile="quick", facts={"commit": "abc"})
    assert (found["key"], found["paper"]) == (KEY, PAPER)
    assert json.loads(SCORES.read_text()) == {"n_folds": 3}
    assert record()["commit"] == "abc"
    assert record()["timing"] == {"training_seconds_per_fold": 2.0}
    assert "seconds" in record()


def test_the_time_of_scoring_is_not_that_of_training(ledger):
    ledger(3)
    real_run.train(KEY, time.time(), profile="quick")
    assert "seconds" not in record()


def test_a_record_names_the_commit_of_the_start(ledger, monkeypatch):
    """The training takes hours, in which somebody may commit."""
    ledger(3)
    commits = iter(["first", "second"])
    monkeypatch.setattr(real_run, "code_commit", lambda: next(commits))
    train = experiment.run
    monkeypatch.setattr(
        experiment,
        "run",
        lambda *given, **limits: (real_run.code_commit(), train(*given, **limits))[1],
    )
    real_run.train(KEY, time.time(), profile="quick")
    assert record()["commit"] == "first"


def test_results_with_more_folds_stay(ledger):
    write_json(SCORES, {"n_folds": 5})
    for path in (PLOT, RUN / "run.json"):
        write_text(path, "5")
    ledger(3)
    assert real_run.train(KEY, time.time(), profile="quick")["kept"] == 5
    assert json.loads(SCORES.read_text()) == {"n_folds": 5}
    assert [path.read_text() for path in (PLOT, RUN / "run.json")] == ["5", "5"]
    assert [path.name for path in RUN.parent.iterdir()] == [KEY]
    assert record() is None


def test_an_absent_input_is_reported_and_does_not_replace_results(ledger, monkeypatch):
    write_json(SCORES, {"n_folds": 1, "max_epochs": 3})
    ledger(3)
    monkeypatch.setattr(
        experiment,
        "run",
        lambda *_, root, **__: write_json(root / SCORES, {"absent": "no weights"}) or {},
    )
    assert real_run.train(KEY, time.time(), profile="quick")["absent"] == "no weights"
    assert json.loads(SCORES.read_text()) == {"n_folds": 1, "max_epochs": 3}


@pytest.mark.parametrize("cut", [{"changed": {"models.svm.c": 0.5}}, {"max_epochs": 3}])
def test_results_of_other_parameters_do_not_stay(ledger, cut):
    write_json(SCORES, {"n_folds": 5, **cut})
    ledger(3)
    real_run.train(KEY, time.time(), profile="quick")
    assert json.loads(SCORES.read_text()) == {"n_folds": 3}


def test_no_fold_starts_that_would_end_too_late(ledger):
    calls = ledger(3)
    real_run.train(KEY, 1000.0, profile="quick", seconds={KEY: 400.0, "other": 1.0})
    assert calls[0]["until"] == 600.0


@pytest.mark.usefixtures("ledger")
def test_folds_of_an_earlier_profile_do_not_stay():
    for path in (artefacts := real_run.inputs_of([KEY], "quick")[KEY]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of an earlier call")
    assert real_run.inputs_of([KEY], "paper") == {KEY: artefacts}
    real_run.remove_folds({KEY: artefacts})
    gone = [path for path in artefacts if not path.exists()]
    assert gone == [path for path in artefacts if path.is_relative_to(real_run.FOLDS)] != []


@pytest.mark.parametrize(("cores", "share"), [(1, 1), (2, 1), (7, 3)])
def test_few_experiments_share_all_cores(monkeypatch, cores, share):
    started = []
    monkeypatch.setenv("MER_JOBS", str(cores))
    monkeypatch.setattr(real_run, "inputs_of", lambda *_: {})
    monkeypatch.setattr(experiment_queue, "run", lambda task, *_: started.append(task.experiment))
    real_run.run([RealExperiment(key, PAPER, 10, 9, None) for key in "ab"], 0.01, "quick")
    assert started[0].keywords["processes"] == share


def test_only_experiments_that_lack_trainings_are_trained(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    trained = []
    monkeypatch.setattr(real_run, "inputs_of", lambda keys, _: {key: [] for key in keys})
    monkeypatch.setattr(
        real_run, "train", lambda key, *_, **__: trained.append(key) or {"key": key, "paper": PAPER}
    )
    monkeypatch.setattr(experiment_queue, "start_pool", lambda: ThreadPoolExecutor(1))
    monkeypatch.setattr(experiment_queue, "POLL", 0.01)
    experiments = [
        RealExperiment("some", PAPER, 10, 9, None),
        RealExperiment("all", PAPER, 10, 10, 3.0),
    ]
    assert [r["key"] for r in real_run.run(experiments, 0.01, "quick")] == ["some"]
    assert trained == ["some"]


def test_the_rows_say_what_each_experiment_still_needs():
    half = RealExperiment(key="a", paper="p", done=1, trainings=2, seconds=7200.0)
    new = replace(half, key="b", done=0, seconds=None)
    records = [{"key": "a", "error": experiment_queue.LATE}, {"key": "b", "error": "no audio"}]
    assert real_run.rows(records, [half, new]) == [
        ["a", "1 of 2", "2.0", ""],
        ["b", "0 of 2", "unknown", "no audio"],
    ]
