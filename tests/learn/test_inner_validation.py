"""Validation inside of a training part: artists are on one side where the protocol keeps them there."""

import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning

from conftest import ROOT, profile_of
from mer import config, registry
from mer.errors import MerError
from mer.inner_folds import InnerFolds
from mer.learn import validation
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.trainers import sklearn_estimator
from mer.models import ae_bilstm
from mer.targets.classes import Classes
from mer.types import QUADRANTS, FeatureTable, Fold

IDS = tuple(f"clip {n:02d}" for n in range(96))
ARTISTS = {id_: f"artist {n // 4}" for n, id_ in enumerate(IDS)}
APART = Fold(0, 0, IDS[:80], (), IDS[80:])
SHARED = Fold(0, 0, IDS[:78], (), IDS[78:])  # two clips of artist 19 on each side


@pytest.fixture
def data(rng):
    labels = {id_: n // 4 % 4 for n, id_ in enumerate(IDS)}
    rows = rng.normal(size=(96, 6)) + np.array([labels[i] for i in IDS])[:, None]
    table = FeatureTable(IDS, ("a_1", "a_2", "a_3", "b_1", "b_2", "b_3"), rows)
    return TrainingData(labels, Classes(QUADRANTS), table, groups=ARTISTS)


def context_of(model, fold, **changes):
    (params,) = config.read(f"models.{model}", path=ROOT / "params.yaml")
    params = params.model_copy(update=changes)
    return FoldContext(registry.get("models", model), params, fold, 1, "described", profile_of())


def test_artists_stay_together_where_the_fold_keeps_them_apart(data):
    assert validation.groups(data, APART) == [ARTISTS[id_] for id_ in APART.train]


def test_artists_do_not_count_where_the_fold_shares_them_or_every_clip_has_its_own(data):
    alone = TrainingData(data.labels, data.target, groups={id_: id_ for id_ in IDS})
    unknown = TrainingData(data.labels, data.target)
    assert validation.groups(data, SHARED) is None
    assert validation.groups(alone, APART) is validation.groups(unknown, APART) is None


def test_artists_do_not_count_where_a_class_has_one_only(data):
    labels = {id_: int(ARTISTS[id_] == "artist 3") for id_ in IDS}
    few = TrainingData(labels, Classes(("low", "high")), groups=ARTISTS)
    assert validation.groups(few, APART) is None
    assert validation.groups(few, Fold(0, 0, IDS[16:80], (), IDS[80:])) is not None


def split_by(draw, fold, data):
    """The training and the validation clips of a fold."""
    if draw == "early stopping":
        (params,) = config.read("models.ae_bilstm", path=ROOT / "params.yaml")
        params = params.model_copy(update={"validation": 0.2})
        context = FoldContext(ae_bilstm, params, fold, 1, "described", profile_of())
        return validation.early_stopping_part(context, data)
    return validation.search_part(context_of("cnn", fold), data)


@pytest.mark.parametrize("draw", ["early stopping", "search"])
def test_a_validation_part_holds_whole_artists_of_every_class(data, draw):
    train, val = split_by(draw, APART, data)
    assert {*train} | {*val} == {*APART.train}
    assert {ARTISTS[i] for i in train}.isdisjoint(ARTISTS[i] for i in val)
    assert np.bincount([data.labels[i] for i in val]).tolist() == [4, 4, 4, 4]
    train, val = split_by(draw, SHARED, data)
    assert not {ARTISTS[i] for i in train}.isdisjoint(ARTISTS[i] for i in val)


def test_clips_of_one_artist_cannot_be_validated():
    with pytest.raises(MerError, match=r"two artists .* and the 4 training clips have fewer"):
        validation.hold_out(tuple("abcd"), [0, 0, 1, 1], ["one"] * 4, 0.2, 1)


def test_segments_of_a_clip_stay_together_where_the_fold_shares_artists():
    """Two artists with two clips of each class, of two segments; the last clip of one is tested."""
    ids = tuple(f"clip {n}#{part}" for n in range(9) for part in range(2))
    artists = {id_: f"artist {int(id_[5]) % 2}" for id_ in ids}
    labels = {id_: int(id_[5]) // 2 % 2 for id_ in ids}
    data = TrainingData(labels, Classes(("low", "high")), groups=artists)
    found = validation.groups(data, Fold(0, 0, ids[:16], (), ids[16:]))
    assert found == [id_.partition("#")[0] for id_ in ids[:16]]


def test_any_artist_may_validate_whatever_its_number_of_clips():
    sizes = (14, 10, 9, *(3 for _ in range(10)), *(1 for _ in range(20)))
    artists = [f"artist {n}" for n, size in enumerate(sizes) for _ in range(size)]
    ids = tuple(f"clip {n}" for n in range(len(artists)))
    found = set()
    for seed in range(60):
        _, held_out = validation.hold_out(ids, [0] * len(ids), artists, 0.2, seed)
        found |= {artist for id_, artist in zip(ids, artists, strict=True) if id_ in held_out}
    assert {"artist 0", "artist 1", "artist 2"} <= found


def test_a_validation_part_is_half_of_the_clips_at_most():
    artists = [f"artist {n // 2}" for n in range(20)]
    ids = tuple(f"clip {n}" for n in range(20))
    assert len(validation.hold_out(ids, [0] * 20, artists, 0.9, 1)[1]) == 10


# Clips of one digit are of one artist. scikit-learn leaves one part of the first without clips, and one
# of the second without clips of class 0 to train on.
FEW_ARTISTS = [("232443022", "110001111"), ("12104424", "01010111")]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("artists", "classes"), FEW_ARTISTS)
def test_clips_of_every_class_train_and_some_validate(artists, classes, seed):
    ids = tuple(f"clip {n}" for n in range(len(artists)))
    share = 1 / 4 if len(ids) == 9 else 1 / 2
    train, held_out = validation.hold_out(ids, [*map(int, classes)], [*artists], share, seed)
    assert sorted(train + held_out) == sorted(ids)
    assert 1 <= len(held_out) <= len(ids) / 2
    assert {classes[ids.index(id_)] for id_ in train} == {"0", "1"}


INNER = [
    ("svm", {"search": "grid", "folds": 3, "grid_c": [1.0], "grid_gamma": [0.1]}),
    ("svm", {"search": "bayes", "folds": 3, "trials": 1}),
    ("fusion", {"combine": "stack", "folds": 3, "search": "none"}),
    ("fusion", {"combine": "mean", "folds": 3, "search": "grid", "grid_c": [1.0]}),
]


@pytest.mark.parametrize(("model", "changes"), INNER)
@pytest.mark.parametrize("fold", [APART, SHARED], ids=["apart", "shared"])
def test_every_inner_cross_validation_keeps_the_artists_that_the_fold_keeps(
    data, fold, model, changes, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    artist_of = {
        row.tobytes(): ARTISTS[i] for i, row in zip(IDS, data.table.rows(IDS), strict=True)
    }
    divided, split = [], InnerFolds.split

    def watched(self, x, y=None, groups=None):
        artists = np.array([artist_of[row.tobytes()] for row in x])
        for train, test in split(self, x, y, groups):
            divided.append(bool({*artists[train]} & {*artists[test]}))
            yield train, test

    monkeypatch.setattr(InnerFolds, "split", watched)
    found = sklearn_estimator.fit_predict(context_of(model, fold, **changes), data)
    assert found.predicted.shape == (len(fold.test), 4)
    assert divided
    assert all(divided) if fold is SHARED else not any(divided)


def test_a_grid_without_any_score_is_refused(data):
    """One clip of a class: the inner fold that tests it trains on one class."""
    labels = dict.fromkeys(IDS, 0) | {IDS[0]: 1, IDS[90]: 1}
    few = TrainingData(labels, Classes(("low", "high")), data.table)
    context = context_of("svm", APART, **INNER[0][1])
    fails = pytest.warns((FitFailedWarning, UserWarning))
    with (
        fails,
        pytest.raises(MerError, match="has none: an inner training part has clips of one class"),
    ):
        sklearn_estimator.fit_predict(context, few)
