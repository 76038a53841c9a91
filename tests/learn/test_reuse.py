"""mer.learn.reuse: the same training runs once, and any other input is another training."""

import os

import numpy as np
import pytest
import torch
from torch import nn

from mer.learn import reuse, trained_network
from mer.learn.result import TrainingPhase
from mer.learn.reuse import trained_once
from mer.schema.training import TrainingConfig

CONFIG = TrainingConfig(
    optimizer="sgd", lr=0.1, batch_size=2, max_epochs=1, smoke_test_epochs=1, precision="float32"
)
X = torch.arange(12.0).reshape(4, 3)


@pytest.fixture
def train(monkeypatch, tmp_path):
    """``train(...)``: the phase, the weights, and how often networks were trained so far."""
    monkeypatch.setattr(reuse, "FOLDER", tmp_path / "trained")
    calls = []

    def run(x=X, config=CONFIG, seed=1, size=3):
        torch.manual_seed(0)
        network = nn.Linear(size, 1)

        def fit():
            calls.append(1)
            with torch.no_grad():
                network.weight.add_(len(calls))
            return TrainingPhase("stage1", np.array([[0.5, np.nan]]), 2.0, len(x))

        phase = trained_once(network, [x], config, fit, seed=seed)
        return phase, trained_network.weights(network), len(calls)

    return run


def test_the_same_training_runs_once_and_gives_the_same_weights(train):
    first, weights, _ = train()
    again, loaded, calls = train()
    assert calls == 1
    assert (again.name, again.seconds, again.examples) == ("stage1", 2.0, 4)
    np.testing.assert_array_equal(again.curve, first.curve)
    for name, array in weights.items():
        np.testing.assert_array_equal(loaded[name], array)


@pytest.mark.parametrize(
    "change",
    [
        {"x": X + 1},
        {"x": X[:3]},
        {"seed": 2},
        {"config": CONFIG.model_copy(update={"lr": 0.2})},
        {"size": 4, "x": torch.ones(4, 4)},
    ],
    ids=["examples", "number", "seed", "configuration", "network"],
)
def test_another_training_is_run(train, change):
    train()
    assert train(**change)[2] == 2


def test_a_damaged_file_is_trained_again(train, tmp_path):
    train()
    (file,) = (tmp_path / "trained").iterdir()
    file.write_bytes(file.read_bytes()[:50])
    assert train()[2] == 2


def test_a_network_that_nobody_has_used_for_a_month_is_removed(train, tmp_path):
    train()
    (unused,) = (tmp_path / "trained").iterdir()
    os.utime(unused, (0, 0))
    train()  # now it is used again
    train(seed=2)
    assert unused.exists()
    os.utime(unused, (0, 0))
    train(seed=3)
    assert not unused.exists()
    assert len(list((tmp_path / "trained").iterdir())) == 2
