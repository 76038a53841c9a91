"""The distance of a row from the training clips: inside their cloud, outside of it, and far off."""

import numpy as np
import pytest
from sklearn.model_selection import KFold

from mer.learn import out_of_distribution


@pytest.fixture
def rows(rng):
    """300 rows of 40 columns that vary mostly in five directions; the last column is constant."""
    found = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 40)) + 0.3 * rng.normal(size=(300, 40))
    found[:, -1] = 7
    return found


def test_one_in_a_hundred_training_clips_is_as_unlike_as_the_limit(rows):
    limit = out_of_distribution.distance_limit(rows)
    found = out_of_distribution.distances(rows, out_of_distribution.fit(rows))
    assert (found <= limit).mean() > 0.98
    assert found.mean() == pytest.approx(1, abs=0.1)


def test_the_limit_is_that_of_clips_that_the_model_has_not_seen(rows):
    folds = KFold(10, shuffle=True, random_state=0).split(rows)
    unseen = [
        out_of_distribution.distances(rows[own], out_of_distribution.fit(rows[known]))
        for known, own in folds
    ]
    assert out_of_distribution.distance_limit(rows) == pytest.approx(
        np.quantile(np.concatenate(unseen), 0.99)
    )
    assert out_of_distribution.distance_limit(rows) > np.quantile(
        out_of_distribution.distances(rows, out_of_distribution.fit(rows)), 0.99
    )


def test_a_row_outside_the_cloud_is_unlike_though_no_column_is_far_off(rows, rng):
    model, limit = out_of_distribution.fit(rows), out_of_distribution.distance_limit(rows)
    shuffled = rng.permuted(
        rows[:50], axis=0
    )  # every column keeps its values, in other combinations
    assert (out_of_distribution.distances(shuffled, model) > limit).mean() > 0.9


def test_a_far_off_value_is_unlike_and_finite(rows):
    far = rows[:1] + 2677 * rows.std(axis=0)
    (found,) = out_of_distribution.distances(far, out_of_distribution.fit(rows))
    assert np.isfinite(found)
    assert found > 30 * out_of_distribution.distance_limit(rows)


def test_columns_that_hardly_vary_do_not_widen_the_limit(rows, rng):
    """In each, one clip in 500 has a value that is a million deviations away from the other clips."""
    rare = np.where(rng.random((300, 40)) < 0.002, 1000.0, 1e-3 * rng.normal(size=(300, 40)))
    assert 1 < out_of_distribution.distance_limit(np.hstack([rows, rare])) < 5


@pytest.mark.parametrize("columns", [40, 900])
def test_the_components_are_those_of_a_singular_value_decomposition(rng, columns):
    """Of more clips than columns, and of fewer."""
    rows = rng.normal(size=(300, 20)) @ rng.normal(size=(20, columns))
    rows += 0.1 * rng.normal(size=(300, columns))
    found = out_of_distribution.fit(rows)
    scores = (rows - found["mean"]) / found["deviation"]
    _, values, axes = np.linalg.svd(scores, full_matrices=False)
    count = len(found["variances"])
    assert count == min(50, columns // 2)
    assert found["variances"] == pytest.approx(values[:count] ** 2 / 300)
    assert np.abs(found["axes"] @ axes[:count].T) == pytest.approx(np.eye(count), abs=1e-6)
    assert found["rest"] == pytest.approx((values[count:] ** 2).sum() / 300 / (columns - count))


def test_a_value_that_leaves_a_constant_column_counts_for_nothing(rows):
    """The deviation of 300 times 0.1 is 1e-17, by which 0.2 would be far off."""
    rows[:, -1] = 0.1
    moved = rows[:1].copy()
    moved[0, -1] = 0.2
    assert np.std(rows[:, -1]) > 0
    model = out_of_distribution.fit(rows)
    assert out_of_distribution.distances(moved, model) == out_of_distribution.distances(
        rows[:1], model
    )


def test_a_table_of_low_rank_has_a_limit_that_its_own_clips_keep(rng):
    rows = np.repeat([[7.0]], 200, axis=0) * np.ones((1, 100))
    rows[:, :4] = rng.normal(size=(200, 4))
    limit = out_of_distribution.distance_limit(rows)
    found = out_of_distribution.distances(rows, out_of_distribution.fit(rows))
    assert limit < 10
    assert (found <= limit).mean() > 0.95


def test_fewer_clips_than_folds_have_a_limit(rows):
    assert 0 < out_of_distribution.distance_limit(rows[:5]) < np.inf
