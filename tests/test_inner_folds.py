"""Folds inside of a training part: groups stay together, and every fold has clips."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from mer.errors import MerError
from mer.inner_folds import InnerFolds


@pytest.mark.parametrize(("clips", "expected"), [(2, 2), (4, 4), (9, 5)])
def test_a_search_has_no_more_folds_than_the_largest_class_has_clips(clips, expected):
    y = np.repeat(["low", "high"], clips)
    folds = InnerFolds(5, 1)
    pairs = list(folds.split(np.zeros((len(y), 1)), y))
    assert len(pairs) == folds.get_n_splits(None, y) == expected
    assert sorted(np.concatenate([test for _, test in pairs])) == list(range(len(y)))


@pytest.mark.parametrize("values", [False, True])
def test_inner_folds_keep_the_rows_of_a_group_on_one_side_also_inside_of_others(rng, values):
    rows, artists = rng.normal(size=(60, 3)), [f"artist {n // 4}" for n in range(60)]
    y = rng.uniform(size=60) if values else np.arange(60) % 2
    folds = InnerFolds(5, 1).keeping(rows, artists)
    some = np.arange(60) % 3 > 0  # as an inner cross-validation of another one is given them
    for part in (np.ones(60, bool), some):
        own = np.array(artists)[part]
        pairs = list(folds.split(rows[part], y[part]))
        assert len(pairs) == folds.get_n_splits(rows[part], y[part]) == 5
        assert sorted(np.concatenate([test for _, test in pairs])) == list(range(part.sum()))
        assert all({*own[train]}.isdisjoint(own[test]) for train, test in pairs)


@pytest.mark.parametrize("values", [False, True])
def test_inner_folds_keep_the_groups_of_equal_rows_on_one_side(rng, values):
    """Artists 0 and 1 have an equal row, and so have 1 and 2, in a table of few levels."""
    rows, artists = rng.normal(size=(60, 3)), np.array([f"artist {n // 4}" for n in range(60)])
    rows[[0, 4]], rows[[5, 8]] = rows[0], rows[8]
    y = rng.uniform(size=60) if values else np.arange(60) % 2
    for train, test in InnerFolds(5, 1).keeping(rows, artists).split(rows, y):
        assert {*artists[train]}.isdisjoint(artists[test])
        first = {f"artist {n}" for n in range(3)}
        assert not first & {*artists[test]} or first <= {*artists[test]}


def test_inner_folds_of_few_large_groups_have_clips(rng):
    artists = [f"artist {n}" for n in (2, 3, 2, 4, 4, 3, 0, 2, 2)]
    rows, y = rng.normal(size=(9, 3)), np.array([1, 1, 0, 0, 0, 1, 1, 1, 1])
    theirs = StratifiedGroupKFold(4, shuffle=True, random_state=1).split(rows, y, artists)
    assert min(len(test) for _, test in theirs) == 0
    folds = InnerFolds(5, 1).keeping(rows, artists)
    pairs = list(folds.split(rows, y))
    assert folds.get_n_splits(rows, y) == len(pairs) == 3
    assert all(len(train) and len(test) for train, test in pairs)
    assert sorted(np.concatenate([test for _, test in pairs])) == list(range(9))


@pytest.mark.parametrize(
    ("y", "artists"), [([0, 1], None), ([0.5], None), ([0, 0, 1, 1], ["one artist"] * 4)]
)
def test_too_few_clips_for_an_inner_cross_validation_are_refused(y, artists):
    rows, folds = np.arange(len(y))[:, None], InnerFolds(5, 1)
    folds = folds.keeping(rows, artists) if artists else folds
    with pytest.raises(MerError, match="an inner cross-validation must have two training clips"):
        folds.split(rows, np.array(y))


def test_a_search_of_enough_clips_has_the_folds_of_scikit_learn():
    y = np.repeat([0, 1], 20)
    ours = InnerFolds(5, 1).split(np.zeros((40, 1)), y)
    theirs = StratifiedKFold(5, shuffle=True, random_state=1).split(np.zeros((40, 1)), y)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one[1], other[1])
