"""What the trainer of scikit-learn's estimators keeps of a fitted one."""

import logging
from types import ModuleType

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from conftest import profile_of
from mer.learn.context import FittedFold, FoldContext
from mer.learn.data import TrainingData
from mer.learn.trainers import sklearn_estimator
from mer.schema import Block
from mer.targets.classes import Classes
from mer.types import QUADRANTS, FeatureTable, Fold

IDS = tuple(f"clip {n}" for n in range(40))
FOLD = Fold(0, 0, IDS[:32], (), IDS[32:])


@pytest.fixture
def data(rng):
    y = np.arange(len(IDS)) % 4
    values = rng.normal(size=(len(IDS), 5)) + y[:, None]
    table = FeatureTable(IDS, tuple("abcde"), values)
    return TrainingData(dict(zip(IDS, y.tolist(), strict=True)), Classes(QUADRANTS), table)


def context_of(build):
    """The context of a fold for a model with this ``build``."""
    model = ModuleType("mer.models.new")
    model.reads, model.build = ("table",), lambda _params, **_: build()
    return FoldContext(model, Block(), FOLD, 1, "described", profile_of())


@pytest.mark.parametrize("build", [LogisticRegression, GaussianNB])
def test_an_estimator_predicts_the_same_from_what_is_kept(data, build):
    context = context_of(build)
    result = sklearn_estimator.fit_predict(context, data)
    fitted = FittedFold(**vars(context), weights=result.weights)
    assert np.array_equal(sklearn_estimator.predict(fitted, data, FOLD.test), result.predicted)


@pytest.mark.parametrize("build", [KNeighborsClassifier, GradientBoostingClassifier])
def test_an_estimator_that_arrays_do_not_restore_leaves_its_scores(data, build, caplog):
    with caplog.at_level(logging.WARNING, "mer"):
        result = sklearn_estimator.fit_predict(context_of(build), data)
    assert result.predicted.shape == (8, 4)
    assert result.weights == {}
    assert "cannot be stored as arrays" in caplog.text
