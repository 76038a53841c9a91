"""Calibration: temperatures undo a known distortion, sets hold the true class as often as they say."""

import numpy as np
import pandas as pd
import pytest

from mer.learn.calibration import (
    calibration_error,
    conformal_threshold,
    cross_fitted,
    fit_temperature,
    tempered,
)
from mer.predictions import Predictions
from mer.types import QUADRANTS


@pytest.fixture
def honest(rng):
    """Probabilities of 4000 clips, and classes drawn from them."""
    probabilities = rng.dirichlet([1, 1, 1, 1], size=4000)
    return probabilities, (probabilities.cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)


@pytest.mark.parametrize("distortion", [0.4, 1.0, 2.5])
def test_the_temperature_undoes_a_distortion(honest, distortion):
    probabilities, y_true = honest
    distorted = tempered(probabilities, distortion)
    assert fit_temperature(distorted, y_true) == pytest.approx(1 / distortion, rel=0.05)


def test_the_error_is_small_of_honest_probabilities_and_large_of_too_sure_ones(honest):
    probabilities, y_true = honest
    for temperature, bounds in ((1.0, (0, 0.02)), (0.3, (0.15, 0.5))):
        found = tempered(probabilities, temperature)
        error = calibration_error(found.max(axis=1), found.argmax(axis=1) == y_true)
        assert bounds[0] <= error <= bounds[1]


def test_classes_of_the_conformal_threshold_hold_the_true_one_as_often_as_asked(honest):
    probabilities, y_true = honest
    threshold = conformal_threshold(probabilities[:2000], y_true[:2000])
    held = probabilities[2000:][np.arange(2000), y_true[2000:]] >= threshold
    assert held.mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(("clips", "rank"), [(3, 0), (4, 1), (8, 1), (9, 2), (13, 2), (899, 180)])
def test_the_conformal_threshold_has_the_rank_of_conformal_prediction(clips, rank):
    """Of n clips the (1 - coverage) * (n + 1)-th smallest, the rank rounded down."""
    own = np.arange(1, clips + 1) / (clips + 1)
    probabilities = np.column_stack([own, 1 - own])
    found = conformal_threshold(probabilities, np.zeros(clips, int))
    assert found == pytest.approx(rank / (clips + 1))


def test_the_temperature_of_a_fold_is_that_of_the_others(honest):
    """Too sure everywhere but in fold 0, whose own temperature would be 1."""
    probabilities, y_true = honest
    fold = np.arange(4000) % 4
    given = np.where(fold[:, None] == 0, probabilities, tempered(probabilities, 0.5))
    frame = pd.DataFrame(given.round(4), columns=[f"p_{c}" for c in range(4)])
    facts = pd.DataFrame(
        {"id": fold.astype(str) + "/" + frame.index.astype(str), "repeat": 0, "fold": fold}
    )
    predictions = Predictions(
        pd.concat([facts, frame], axis=1).assign(y_true=y_true)[
            ["id", "repeat", "fold", "y_true", *frame]
        ],
        QUADRANTS,
    )
    found = cross_fitted(predictions)
    assert np.allclose(found[fold == 0], tempered(given[fold == 0].round(4), 2), atol=0.03)
