"""mer.learn.relieff: Kononenko's definition by hand, and columns whose relevance is known."""

import numpy as np
import pytest

from mer.learn import relieff

# (rows, classes, weights by hand), one neighbour of each class.
BY_HAND = {
    "two classes": (
        [[0.0, 0.0], [0.5, 1.0], [1.0, 0.0], [1.0, 1.0]],
        [0, 0, 1, 1],
        [(0.5 + 0 + 1 + 0.5) / 4, -1.0],
    ),
    "three classes, of a half, a quarter and a quarter": (
        [[0.0], [0.2], [0.6], [1.0]],
        [0, 0, 1, 2],
        [(0.6 + 0.4 + 0.4 + 2 / 3) / 4],
    ),
    "a constant column": ([[0.0, 7.0], [1.0, 7.0]], [0, 1], [1.0, 0.0]),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_weights_by_hand(case):
    rows, y, expected = BY_HAND[case]
    found = relieff.weights(np.array(rows), np.array(y), neighbours=1)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_neighbours_are_averaged():
    rows = np.array([[0.0], [0.1], [0.4], [1.0]])
    hits = [(0.1 + 0.4) / 2, (0.1 + 0.3) / 2, (0.4 + 0.3) / 2]
    misses = [1.0, 0.9, 0.6]
    expected = (sum(misses) - sum(hits) + np.mean(misses[1:])) / 4
    found = relieff.weights(rows, np.array([0, 0, 0, 1]), neighbours=2)
    assert found[0] == pytest.approx(expected)


@pytest.fixture
def exclusive_or(rng):
    """Ten columns; the class is the exclusive or of the signs of columns 3 and 7."""
    rows = rng.uniform(-1, 1, (400, 10))
    return rows, ((rows[:, 3] > 0) ^ (rows[:, 7] > 0)).astype(int)


def test_columns_that_tell_together_are_found(exclusive_or):
    weights = relieff.weights(*exclusive_or, neighbours=10)
    assert set(np.argsort(weights)[-2:]) == {3, 7}
    assert weights[[3, 7]].min() > 2 * np.delete(weights, [3, 7]).max()


def test_neither_units_nor_names_of_classes_matter(exclusive_or):
    rows, y = exclusive_or
    weights = relieff.weights(rows, y, neighbours=5)
    other = relieff.weights(rows * 1000 + 3, np.array(["no", "yes"])[y], neighbours=5)
    np.testing.assert_allclose(other, weights, atol=1e-9)


def test_the_size_of_a_block_does_not_matter(exclusive_or, monkeypatch):
    whole = relieff.weights(*exclusive_or, neighbours=5)
    monkeypatch.setattr(relieff, "BLOCK", 7)
    np.testing.assert_allclose(relieff.weights(*exclusive_or, neighbours=5), whole, atol=1e-12)


def test_each_column_is_scaled_by_its_own_extremes():
    rows = np.array([[-1.0, 10.0, 3.0], [0.0, 30.0, 3.0], [3.0, 20.0, 3.0]])
    assert relieff.to_unit(rows).tolist() == [[0, 0, 0], [0.25, 1, 0], [1, 0.5, 0]]
