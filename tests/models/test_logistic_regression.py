"""models.logistic_regression: predictions without scikit-learn are those of scikit-learn, bit for bit."""

import numpy as np
import pytest

from mer.learn import attributes
from mer.learn.estimator_arrays import to_arrays
from mer.models import logistic_regression
from mer.targets.classes import Classes

PARAMS = logistic_regression.Params(c=0.01, limit=2.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 4])
def test_the_fitted_classifier_is_scikit_learns(classes, dtype, rng):
    x, y = rng.normal(3, 2, size=(80, 12)).astype(dtype), rng.integers(classes, size=80)
    how = {"seed": 0, "fidelity": "described", "predicts": "classes"}
    theirs = logistic_regression.build(PARAMS, **how).fit(x, y)
    found = logistic_regression.restore(PARAMS, attributes.read(to_arrays(theirs)))
    asked = rng.normal(3, 4, size=(30, 12)).astype(dtype)  # some beyond the limit
    target = Classes(tuple("abcd")[:classes])
    assert np.array_equal(target.estimate(found, asked), target.estimate(theirs, asked))
    assert np.array_equal(found.classes_, theirs.classes_)
