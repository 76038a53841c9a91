"""Classes: what is predicted of them, and what a search maximises."""

import numpy as np
import pytest
import torch
from sklearn.dummy import DummyClassifier
from sklearn.metrics import f1_score

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


def test_the_answer_is_the_name_of_the_most_probable_class():
    (row,) = DANCES.answers(np.array([[0.2, 0.7, 0.1]])).to_dict("records")
    assert row == {"class": "tango", "p_polka": 0.2, "p_tango": 0.7, "p_waltz": 0.1}
    assert DANCES.text(2) == "waltz"
