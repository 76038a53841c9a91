"""Classes: what is predicted of them, and what a search maximises."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.svm import SVC

from mer.errors import MerError
from mer.targets import class_scores
from mer.targets.classes import Classes

DANCES = Classes(("polka", "tango", "waltz"))


def test_the_softmax_of_the_outputs_is_the_probability():
    logits = torch.tensor([[0.0, np.log(2.0), 0.0]])
    assert DANCES.decode(logits).numpy() == pytest.approx(np.array([[0.25, 0.5, 0.25]]))


def test_a_class_that_an_estimator_has_not_seen_has_no_probability():
    seen = DummyClassifier(strategy="prior").fit(np.zeros((4, 1)), [0, 2, 2, 2])
    assert DANCES.estimate(seen, np.zeros((1, 1))).tolist() == [[0.25, 0, 0.75]]


def test_quality_is_the_weighted_f1(rng):
    found, labels = rng.dirichlet(np.ones(3), 40), rng.integers(3, size=40).tolist()
    expected = f1_score(labels, found.argmax(1), average="weighted")
    assert DANCES.quality(found, labels) == pytest.approx(expected)


def test_quality_is_lowest_where_a_training_has_diverged():
    names = len(DANCES.names)
    assert DANCES.quality(np.full((4, names), np.nan), [0, 0, 0, 1]) == -1


def test_f1_of_a_class_is_undefined_only_where_it_is_neither_true_nor_predicted():
    counts = np.array([[1, 0, 0, 0], [0, 3, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    found = class_scores.scores(counts, ("once", "often", "predicted", "absent"))
    assert found["f1_once"] == 1
    assert found["f1_often"] == pytest.approx(6 / 7)
    assert found["f1_predicted"] == 0
    assert np.isnan(found["f1_absent"])
    assert found["f1_macro"] == pytest.approx((1 + 6 / 7) / 3)


def test_the_answer_is_the_name_of_the_most_probable_class():
    (row,) = DANCES.answers(np.array([[0.2, 0.7, 0.1]])).to_dict("records")
    assert row == {"class": "tango", "p_polka": 0.2, "p_tango": 0.7, "p_waltz": 0.1}
    assert DANCES.text(2) == "waltz"


def test_two_classes_have_the_probabilities_of_a_logistic_regression(rng):
    rows, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    estimator = LogisticRegression().fit(rows + y[:, None], y)
    found = Classes(("low", "high")).estimate(estimator, rows)
    assert found == pytest.approx(estimator.predict_proba(rows))


def test_two_classes_of_a_support_vector_machine_have_a_value_each(rng):
    rows, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    estimator = SVC().fit(rows + y[:, None], y)
    values = estimator.decision_function(rows)
    expected = softmax(np.column_stack([-values, values]), axis=1)
    found = Classes(("low", "high")).estimate(estimator, rows)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    "found", [[[0.7, 0.3]], [[0.5], [0.5]], [0.5, 0.5], [[2, 2], [1, 0]], [[np.nan, 1], [1, 0]]]
)
def test_what_is_no_row_of_probabilities_per_clip_is_refused(found):
    estimator = SimpleNamespace(classes_=[0, 2], predict_proba=lambda rows: found)  # noqa: ARG005
    with pytest.raises(
        MerError, match=r"must predict probabilities of shape \(2, 2\), a row per clip"
    ):
        DANCES.estimate(estimator, np.zeros((2, 1)))
