"""48 clips of the demo corpus, cut to 8 s: every system learns something on half of them."""

import json
import re

import pytest

from helpers.clone import fresh_clone
from mer.types import QUADRANTS

SHORT = {
    "demos__demo__seconds": 8.0,
    "views__louro__seconds": 8.125,
    "corpora__demo__counts": dict.fromkeys(QUADRANTS, 12),
    "profiles__demo__folds": 2,
}
AFTER_TRAIN = {"train", "evaluate", "report"}


@pytest.fixture(scope="module")
def demo(root, tmp_path_factory):
    """A clone in which the committed selection, the hybrid, has been run."""
    clone = fresh_clone(root, tmp_path_factory.mktemp("demo"), **SHORT)
    clone.run("dvc", "repro")
    clone.commit("hybrid")
    return clone


def metrics(clone):
    return json.loads((clone.folder / "metrics/run.json").read_text())


def test_the_committed_run_at_full_length_beats_the_constant_row(root):
    run = json.loads((root / "metrics/run.json").read_text())
    assert (run["dataset"], run["n_clips"], run["n_folds"]) == ("demo", 96, 4)
    assert run["f1_macro"] > run["constant_accuracy"] + 0.1


def test_the_hybrid_beats_the_constant_row(demo):
    run = metrics(demo)
    assert (run["model"], run["view"], run["augment"]) == ("hybrid", "louro", "classic")
    assert run["f1_macro"] > run["constant_accuracy"] + 0.1


@pytest.mark.parametrize("model", ["svm", "cnn"])
def test_another_model_trains_on_what_is_there_and_beats_it(demo, model):
    demo.edit(model=model)
    output = demo.run("dvc", "repro")
    assert set(re.findall("Running stage '(.*)'", output)) == {"validate"} | AFTER_TRAIN
    run = metrics(demo)
    assert run["model"] == model
    assert run["f1_macro"] > run["constant_accuracy"] + 0.1


def test_going_back_is_read_from_the_cache(demo):
    demo.run("git", "checkout", "-q", ".")
    output = demo.run("dvc", "repro")
    assert "Stage 'train' is cached" in output
    assert metrics(demo)["model"] == "hybrid"
