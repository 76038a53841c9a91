"""Fitted estimators as arrays: what comes back predicts the same to the last bit."""

from functools import partial

import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV, RidgeCV
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR

from mer.learn.estimator_arrays import restored, to_arrays

GRID = {"svc__C": [0.1, 8.0], "svc__gamma": [0.01, 0.002]}


def stack():
    """A machine whose kernel is a function, below a logistic regression."""
    machine = make_pipeline(StandardScaler(), SVC(kernel=partial(rbf_kernel, gamma=0.01)))
    members = [("machine", machine), ("linear", LogisticRegression())]
    return StackingClassifier(members, LogisticRegression(), stack_method="decision_function")


VALUES = {
    "ridge": lambda: make_pipeline(StandardScaler(), RidgeCV([1.0, 10.0])),
    "values": lambda: MultiOutputRegressor(make_pipeline(StandardScaler(), SVR())),
    "forest of values": lambda: RandomForestRegressor(n_estimators=5, random_state=1),
    "means": lambda: DummyRegressor(),
}
BUILD = {
    "ridge": lambda: make_pipeline(StandardScaler(), RidgeClassifierCV([1.0, 10.0])),
    "support vectors": lambda: make_pipeline(StandardScaler(), SVC()),
    "search": lambda: GridSearchCV(make_pipeline(StandardScaler(), SVC()), GRID, cv=2),
    "linear": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "constant": lambda: DummyClassifier(strategy="prior"),
    "forest": lambda: RandomForestClassifier(n_estimators=5, random_state=1),
    "stack": lambda: stack(),
    "votes": lambda: VotingClassifier([("a", stack()), ("b", stack())], voting="soft"),
    "perceptron": lambda: make_pipeline(MinMaxScaler(), MLPClassifier(tol=1, random_state=1)),
}


@pytest.mark.parametrize("name", BUILD)
def test_an_estimator_comes_back_from_its_arrays(name, rng):
    x, y, asked = rng.normal(size=(80, 12)), rng.integers(4, size=80), rng.normal(size=(30, 12))
    fitted = BUILD[name]().fit(x, y)
    back = restored(BUILD[name](), load(save(to_arrays(fitted))))
    values = "decision_function" if hasattr(fitted, "decision_function") else "predict_proba"
    assert np.array_equal(getattr(back, values)(asked), getattr(fitted, values)(asked))


@pytest.mark.parametrize("name", VALUES)
def test_an_estimator_of_values_comes_back_from_its_arrays(name, rng):
    x, y, asked = rng.normal(size=(80, 12)), rng.normal(size=(80, 2)), rng.normal(size=(30, 12))
    fitted = VALUES[name]().fit(x, y)
    back = restored(VALUES[name](), load(save(to_arrays(fitted))))
    assert np.array_equal(back.predict(asked), fitted.predict(asked))


def test_nodes_of_a_forest_that_lead_out_of_it_are_refused(rng):
    x, y = rng.normal(size=(80, 12)), rng.integers(4, size=80)
    arrays = to_arrays(BUILD["forest"]().fit(x, y))
    for place, value in ((0, 10**6), (0, 0), (16, 99)):  # the left child, a circle, the column
        nodes = arrays["trees.nodes"].copy()
        nodes[0, place : place + 8] = np.frombuffer(np.int64(value).tobytes(), np.uint8)
        with pytest.raises(ValueError, match="the nodes of a tree must"):
            restored(BUILD["forest"](), {**arrays, "trees.nodes": nodes})
