"""Values: what a model is trained on, what it predicts, and what a search maximises."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.dummy import DummyRegressor

from conftest import ROOT
from mer import config
from mer.models import svm
from mer.targets.values import Values

BOTH = Values(("valence", "arousal"), (1.0, 9.0))
LABELS = [(1.0, 9.0), (5.0, 3.0)]


def test_a_model_is_trained_on_values_in_0_to_1():
    found = BOTH.array(LABELS)
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 1], [0.5, 0.25]]


def test_the_sigmoid_of_the_outputs_spans_the_scale():
    logits = torch.tensor([[-50.0, 50.0], [0.0, -1.0]])
    expected = [[1, 9], [5, 1 + 8 / (1 + np.e)]]
    assert BOTH.decode(logits).numpy() == pytest.approx(np.array(expected), abs=1e-5)


def test_the_loss_is_the_squared_error_in_0_to_1():
    wanted = torch.from_numpy(BOTH.array(LABELS))
    assert BOTH.loss(torch.zeros(2, 2), wanted).item() == pytest.approx(
        np.mean([0.25, 0.25, 0, 1 / 16])
    )


def test_an_estimator_is_kept_to_the_scale():
    wild = DummyRegressor(strategy="constant", constant=[-3.0, 0.5]).fit([[0]], [[0, 0]])
    assert BOTH.estimate(wild, np.zeros((3, 1))).tolist() == [[1, 5]] * 3


def test_quality_falls_with_the_error_and_is_lowest_without_a_number():
    exact, off = np.array(LABELS), np.array([(1.0, 7.0), LABELS[1]])
    assert BOTH.quality(exact, LABELS) == 0
    assert BOTH.quality(off, LABELS) == pytest.approx(-(0.25**2) / 4)
    assert BOTH.quality(exact * np.nan, LABELS) == -1


def test_the_constant_is_the_mean_over_the_training_clips():
    columns = BOTH.columns(np.array(LABELS), LABELS, [(2.0, 2.0), (4.0, 8.0)])
    assert list(columns) == [
        f"{part}_{name}" for part in ("y", "p", "constant") for name in BOTH.names
    ]
    assert columns["constant_valence"].tolist() == [3, 3]
    assert columns["constant_arousal"].tolist() == [5, 5]


def test_a_random_validation_part_is_of_all_clips():
    assert set(BOTH.strata({"a": (1.0, 2.0), "b": (3.0, 4.0)}).values()) == {0}


def test_the_search_of_the_svm_minimises_the_error_of_each_value(rng):
    (block,) = config.read("models.svm", path=ROOT / "params.yaml")
    searching = block.model_copy(update={"search": "grid", "folds": 2})
    x, y = rng.normal(size=(30, 3)), rng.uniform(size=(30, 2))
    y[:, 0] = np.tanh(x[:, 0]) / 2 + 0.5
    fitted = svm.build(searching, seed=1, fidelity="described", predicts="values").fit(x, y)
    first, second = (search.best_params_["svm__C"] for search in fitted.estimators_)
    assert first > second
    assert [search.scoring for search in fitted.estimators_] == ["neg_mean_squared_error"] * 2


def test_one_value_is_a_column():
    one = replace(BOTH, names=("arousal",))
    assert one.array([(5.0,), (9.0,)]).tolist() == [[0.5], [1]]
    assert one.answers(np.array([[2.0]])).to_dict("records") == [{"arousal": 2.0}]
    assert one.text((2.5,)) == "arousal=2.5"
