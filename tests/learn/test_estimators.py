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
    out = ((0, 10**6), (0, 0), (0, -(2**30)), (8, -1), (16, 99), (16, -(2**40)))
    for place, value in out:  # the left child, the right one, the column
        nodes = arrays["trees.nodes"].copy()
        nodes[0, place : place + 8] = np.frombuffer(np.int64(value).tobytes(), np.uint8)
        with pytest.raises(ValueError, match="the nodes of a tree must"):
            restored(BUILD["forest"](), {**arrays, "trees.nodes": nodes})


@pytest.mark.parametrize("change", [[1, 0, 0, 0, 0], [0, 0, 0, 0, -1], [10**9, 0, 0, 0, 0]])
def test_trees_that_have_other_nodes_than_the_forest_are_refused(rng, change):
    x, y = rng.normal(size=(80, 12)), rng.integers(4, size=80)
    arrays = to_arrays(BUILD["forest"]().fit(x, y))
    counts = arrays["trees.counts"] + change
    with pytest.raises(ValueError, match="the trees of a forest must have its"):
        restored(BUILD["forest"](), {**arrays, "trees.counts": counts})


OF_VECTORS = {
    "_n_support": lambda counts: counts + np.array([2**30, -(2**30), 0, 0], counts.dtype),
    "_dual_coef_": lambda coefficients: coefficients[:1, :1],
    "_intercept_": lambda intercepts: intercepts[:1],
    "_probA": lambda _: np.zeros(1),
    "support_": lambda places: np.concatenate([places, places]),
    "support_vectors_": lambda vectors: vectors[:1],
}
IN_STACK = "outputs.0.svc."


@pytest.mark.parametrize("name", OF_VECTORS)
def test_a_machine_whose_arrays_do_not_fit_together_is_refused(rng, name):
    """libsvm would read behind their ends."""
    x, y = rng.normal(size=(80, 12)), rng.integers(4, size=80)
    arrays = to_arrays(SVC().fit(x, y))
    with pytest.raises(ValueError, match="must have"):
        restored(SVC(), {**arrays, name: OF_VECTORS[name](arrays[name])})


@pytest.mark.parametrize("place", [-1, 80])
def test_support_vectors_of_a_kernel_that_are_no_training_rows_are_refused(rng, place):
    x, y = rng.normal(size=(80, 12)), rng.integers(4, size=80)
    arrays = to_arrays(stack().fit(x, y))
    places = np.full_like(arrays[f"{IN_STACK}support_"], place)
    with pytest.raises(ValueError, match="support_ must be places of 80 rows"):
        restored(stack(), {**arrays, f"{IN_STACK}support_": places})


@pytest.mark.parametrize("name", ["kernel:text", "_impl:text", "gamma", "predict"])
def test_arrays_that_change_a_parameter_or_the_class_are_refused(rng, name):
    x, y = rng.normal(size=(80, 12)), rng.integers(4, size=80)
    text = np.frombuffer(b"precomputed", np.uint8)
    with pytest.raises(ValueError, match="must be an attribute that a fit adds"):
        restored(SVC(), {**to_arrays(SVC().fit(x, y)), name: text})
