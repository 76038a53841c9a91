"""Diagnostics that leak on purpose, and only when asked to."""

import numpy as np
import pytest
from imblearn.over_sampling import BorderlineSMOTE

from conftest import profile_of
from mer.errors import MerError
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.smote import oversample, smote
from mer.learn.trainers import sklearn_estimator
from mer.learn.trainers.hybrid import pretraining_clips
from mer.models import svm
from mer.schema.augmentation import Noise, Smote
from mer.splits import split
from mer.targets.classes import Classes
from mer.types import FeatureTable, Fold

NOISE = Noise(method="noise", std=0.2)
SMOTE = Smote(method="smote", k_neighbors=2)


def test_without_a_leak_pretraining_sees_the_training_clips(corpus):
    for fold in split(corpus, "cv10", seed=1, folds=5):
        assert pretraining_clips(fold, "none") == fold.train


def test_mismatched_folds_show_most_test_clips_to_the_pretraining(corpus):
    folds = split(corpus, "cv10", seed=1, folds=5)
    seen = [len(set(pretraining_clips(f, "mismatched_folds")) & set(f.test)) for f in folds]
    assert sum(seen) / len(corpus) == pytest.approx(0.8, abs=0.12)
    sizes = {len(pretraining_clips(f, "mismatched_folds")) for f in folds}
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("test", [30, 80])
def test_the_last_of_uneven_folds_has_a_mismatched_one(test):
    ids = tuple(f"c{number:02d}" for number in range(96))
    fold = Fold(0, 3, ids[test:], (), ids[:test])
    assert len(pretraining_clips(fold, "mismatched_folds")) == 72


def test_mismatched_folds_are_those_of_one_list_of_all_clips(corpus):
    """Each clip is left out of one pre-training, whichever fold it is tested in."""
    folds = split(corpus, "cv10", seed=1, folds=5)
    ids = {track.id for track in corpus}
    left_out = [ids - {*pretraining_clips(fold, "mismatched_folds")} for fold in folds]
    assert sum(map(len, left_out)) == len(set.union(*left_out)) == len(ids)


def test_new_rows_lie_between_a_row_and_one_of_its_nearest(rng):
    rows, y = np.array([[0.0], [1.0], [10.0], [11.0], [90.0], [91.0]]), np.array([0, 0, 0, 0, 1, 1])
    new, classes = smote(rows, y, {0: 200, 1: 3}, 1, rng)
    assert classes.tolist() == [0] * 200 + [1] * 3
    first = new[:200, 0]
    assert ((first <= 1) | ((first >= 10) & (first <= 11))).all()
    assert np.ptp(first) > 10


def test_smote_needs_two_clips_of_each_class(rng):
    message = "at least two training clips of each class, and a class has 1; label"
    with pytest.raises(MerError, match=message):
        smote(np.ones((3, 2)), np.array([0, 0, 1]), {0: 1, 1: 1}, 5, rng)


def test_smote_takes_fewer_neighbours_where_a_class_is_small(rng):
    new, _ = smote(np.eye(5), np.array([0, 0, 0, 1, 1]), {0: 4, 1: 4}, 5, rng)
    assert new.shape == (8, 5)


def test_borderline_smote2_makes_rows_at_the_border_only(rng):
    """Classes 0 and 1 meet between 8 and 10; class 2 lies apart and gets rows of plain SMOTE."""
    rows = np.concatenate([rng.uniform(start, start + 10, (40, 1)) for start in (0, 8, 100)])
    y, counts = np.repeat([0, 1, 2], 40), {0: 50, 1: 50, 2: 50}
    new, classes = smote(rows, y, counts, 5, rng, "borderline_smote2")
    assert classes.tolist() == np.repeat([0, 1, 2], 50).tolist()
    first, second, third = new.reshape(3, 50)
    assert first.min() > 6
    assert second.max() < 12
    assert np.ptp(third) > 5
    assert smote(rows, y, counts, 5, rng)[0][:50].min() < 3


def test_borderline_smote2_is_imbalanced_learns_with_as_many_neighbours_at_the_border(rng):
    rows = np.concatenate([rng.uniform(start, start + 10, (40, 2)) for start in (0, 6)])
    y, seed = np.repeat([0, 1], 40), int(np.random.default_rng(3).integers(2**31))
    new, _ = smote(rows, y, {0: 50, 1: 50}, 5, np.random.default_rng(3), "borderline_smote2")
    sampler = BorderlineSMOTE(
        kind="borderline-2",
        m_neighbors=5,
        k_neighbors=5,
        sampling_strategy={0: 90, 1: 90},
        random_state=seed,
    )
    np.testing.assert_array_equal(new, sampler.fit_resample(rows, y)[0][80:])


def test_noisy_rows_have_the_asked_for_noise_in_units_of_each_column(rng):
    rows = rng.standard_normal((4000, 2)) * [1, 100]
    new, y = oversample(rows, np.arange(4000) % 4, NOISE, rng)
    assert (new - rows).std(axis=0) / rows.std(axis=0) == pytest.approx(0.2, abs=0.01)
    assert y.tolist() == (np.arange(4000) % 4).tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_constant_column_gets_no_noise(rng, dtype):
    """The deviation of 811 times 0.1 in float32 is some rounding, not 0."""
    rows = np.full((811, 1), 0.1, dtype)
    new, _ = oversample(rows, np.arange(811) % 2, NOISE, rng)
    assert np.array_equal(new, rows)


def test_smote_gives_each_class_as_many_rows_inside_its_own_range(rng):
    rows, y = rng.uniform(0, 1, (30, 3)), np.arange(30) % 3
    new, classes = oversample(rows + 10 * y[:, None], y, SMOTE, rng)
    assert np.bincount(classes).tolist() == [10, 10, 10]
    assert (np.floor(new / 10) == classes[:, None]).all()


@pytest.mark.parametrize("method", ["smote", "borderline_smote2"])
def test_the_unit_of_a_column_changes_no_neighbour(rng, method):
    rows, y, unit = rng.normal(size=(90, 3)), np.arange(90) % 2, np.array([1000, 1, 1])
    made = SMOTE.model_copy(update={"method": method})
    new, other = (oversample(x, y, made, np.random.default_rng(1))[0] for x in (rows, rows * unit))
    assert other / unit == pytest.approx(new)


@pytest.mark.parametrize("constant", [0, 0.1, 10])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_constant_column_changes_no_neighbour(rng, constant, dtype):
    rows, y = rng.normal(size=(90, 30)).astype(dtype), np.arange(90) % 2
    more = np.column_stack([rows, np.full(90, constant, dtype)])
    alone, together = (oversample(x, y, SMOTE, np.random.default_rng(1))[0] for x in (rows, more))
    assert together[:, :30] == pytest.approx(alone)
    assert together[:, 30] == pytest.approx(constant)


@pytest.mark.parametrize("made", [NOISE, SMOTE], ids=lambda m: m.method)
def test_only_a_leak_lets_test_clips_help_to_make_rows(made, rng):
    """Labels that only memory can tell: a leak answers many of them, an honest training does not."""
    ids = tuple(f"c{i:03}" for i in range(200))
    labels = dict(zip(ids, rng.integers(2, size=200).tolist(), strict=True))
    table = FeatureTable(ids, tuple("abcdef"), rng.standard_normal((200, 6)))
    fold = Fold(0, 0, ids[:100], (), ids[100:])
    params = svm.Params(
        c=8.0, gamma=0.05, search="none", folds=2, grid_c=[1.0], grid_gamma=[1.0], trials=1
    )
    profile = profile_of()

    def accuracy(leak):
        data = TrainingData(labels, Classes(("low", "high")), table, oversampling=made, leak=leak)
        context = FoldContext(svm, params, fold, 1, "described", profile)
        found = sklearn_estimator.fit_predict(context, data).predicted
        return (found.argmax(1) == [labels[i] for i in fold.test]).mean()

    assert accuracy("none") < 0.65
    assert accuracy("before_split") > 0.8
