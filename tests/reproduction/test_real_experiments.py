"""mer.reproduction.real_experiments: the missing trainings, and the order in which they are done."""

import pytest

from mer.io.files import write_json
from mer.reproduction import spec
from mer.reproduction.real_experiments import planned, real_experiments, seconds_per_training
from mer.schema.profiles import Profile

PAPER = "louro_improving"


def profile(**changes):
    blank = dict.fromkeys(["folds", "repeats", "max_folds", "max_epochs", "batch_size"])
    fixed = {"smoke_test": False, "precision": "bfloat16", "portable": False}
    return Profile(**blank | fixed | changes)


@pytest.fixture
def found(tmp_path):
    """``found(name)``: the cells of 4QAED alone, by their keys."""
    (tmp_path / "raw/4qaed").mkdir(parents=True)

    def find(name="quick", repeats=1):
        listed = real_experiments(
            spec.load(), name, profile(repeats=repeats), tmp_path / "ledger", tmp_path / "raw"
        )
        return {experiment.key: experiment for experiment in listed}

    return find


@pytest.fixture
def ledger(tmp_path):
    """``ledger(key, seconds, commit, **facts)`` writes the results of an experiment."""

    def write(key, seconds, commit="abc", paper=PAPER, device="cpu", **facts):
        path = tmp_path / "ledger" / paper / f"{key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, facts)
        record = {
            "commit": commit,
            "device": device,
            "timing": {"training_seconds_per_fold": seconds},
        }
        write_json(path.with_suffix(".record.json"), record)

    return write


@pytest.mark.parametrize(
    ("protocol", "changes", "expected"),
    [
        ("cv10x10", {}, 100),
        ("cv10x10", {"repeats": 1}, 10),
        ("grouped", {"folds": 2, "repeats": 1}, 2),
        ("tvt_70_15_15", {"folds": 2, "repeats": 3}, 1),
        ("cv10x10", {"max_folds": 7}, 7),
        ("cv10", {"repeats": 3}, 10),
    ],
)
def test_planned_folds(protocol, changes, expected):
    assert planned(protocol, profile(**changes)) == expected


def test_only_experiments_whose_corpus_is_there_are_listed(found):
    assert "cnn_4qaed" in found()
    assert not [key for key in found() if "emopia200" in key or "new4qaed" in key]


def test_an_experiment_on_two_corpora_is_listed_where_both_are_there(found, tmp_path):
    """It is trained on segments of the one and tested on segments of the other."""
    key = "mlp_compare_on_4qaed_ch818"
    assert key not in found()
    (tmp_path / "raw/ch818").mkdir()
    assert key in found()


def test_folds_in_the_ledger_are_done(found, ledger):
    ledger("cnn_4qaed", 50.0, profile="quick", n_folds=4)
    experiment = found()["cnn_4qaed"]
    assert (
        experiment.trainings,
        experiment.done,
        experiment.seconds,
        experiment.seconds_missing,
    ) == (
        10,
        4,
        50.0,
        300.0,
    )


def test_the_whole_protocol_counts_for_a_shorter_profile(found, ledger):
    ledger("cnn_4qaed", 50.0, profile="paper", n_folds=100)
    assert found()["cnn_4qaed"].seconds_missing == 0


@pytest.mark.parametrize(
    "facts", [{"commit": "abc-dirty"}, {"changed": {"a": 1}}, {"max_epochs": 3}]
)
def test_folds_of_other_code_or_parameters_are_trained_again(found, ledger, facts):
    ledger("cnn_4qaed", 50.0, **{"profile": "quick", "n_folds": 10} | facts)
    assert found()["cnn_4qaed"].done == 0


def test_an_experiment_that_nobody_timed_takes_as_long_as_those_that_are_alike(found, ledger):
    ledger("cnn_4qaed", 50.0, profile="quick", n_folds=10)
    ledger("cnn_sb_4qaed", 100.0, profile="quick", n_folds=10)
    assert found()["cnn_4qaed_grouped"].seconds_missing == 500.0
    assert found()["cnn_tfm_4qaed"].seconds_missing == 1000.0
    assert found()["crnn_4qaed"].seconds is None


def test_the_seconds_of_a_gpu_say_nothing_about_a_core(found, ledger):
    ledger("cnn_4qaed", 0.5, device="a GPU", profile="quick", n_folds=4)
    experiment = found()["cnn_4qaed"]
    assert (experiment.done, experiment.seconds) == (4, None)
    ledger("cnn_4qaed_grouped", 50.0, profile="quick", n_folds=10)
    assert found()["cnn_4qaed"].seconds_missing == 300.0


def test_what_needs_least_comes_first(found, ledger):
    ledger("crnn_4qaed", 500.0, profile="quick", n_folds=9)
    ledger("cnn_4qaed", 60.0, profile="quick", n_folds=1)
    keys = list(found())
    assert keys.index("crnn_4qaed") < keys.index("cnn_4qaed") < keys.index("hybrid_4qaed")


def test_every_restart_of_a_fold_is_a_training(found, ledger):
    """Of ten restarts of the one fold of song_80_20, three are in the ledger."""
    facts = {"profile": "paper", "n_folds": 3, "n_restarts": 3, "n_restarts_planned": 10}
    ledger("mlp_essentia_4qaed", 5.0, paper="pandrea_sincnet", **facts)
    experiment = found("paper", None)["mlp_essentia_4qaed"]
    assert (experiment.trainings, experiment.done, experiment.seconds_missing) == (10, 3, 35.0)
    assert found("quick")["mlp_essentia_4qaed"].trainings == 1


def test_all_phases_of_a_training_count():
    timing = {"stage1_seconds_per_fold": 10.0, "stage2_seconds_per_fold": 5.0, "stage1_epochs": 3}
    facts = {"n_folds": 10, "n_restarts": 5, "seconds": 1.0, **timing}
    assert seconds_per_training(facts) == 15.0


def test_an_estimator_takes_its_share_of_the_run():
    assert seconds_per_training({"n_folds": 10, "seconds": 5.0}) == 0.5
