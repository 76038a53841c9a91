"""What a fold must have for a training, and which trainings count where the time was short."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from conftest import profile_of
from mer import registry
from mer.errors import MerError
from mer.learn import cross_validation
from mer.learn.context import FoldContext
from mer.learn.cross_validation import cross_validate
from mer.learn.data import TrainingData
from mer.learn.result import FoldResult
from mer.models import mlp
from mer.runtime import parallel
from mer.targets.classes import Classes
from mer.types import QUADRANTS, FeatureTable, Fold

PARAMS = mlp.Params(alpha=1.0, max_iter=1000, k=2, restarts=3)
FOLDS = [
    Fold(0, number, tuple(f"c{i}" for i in range(12) if i % 3 != number), (), test)
    for number, test in enumerate([("c0", "c3"), ("c1", "c4"), ("c2", "c5")])
]


@pytest.fixture
def data(rng):
    ids = tuple(f"c{i}" for i in range(12))
    table = FeatureTable(ids, ("a", "b", "c"), rng.normal(size=(12, 3)))
    return TrainingData({id_: i // 3 for i, id_ in enumerate(ids)}, Classes(QUADRANTS), table)


def cross_validated(data, lacking=(), keep_weights=False, folds=FOLDS):
    """The results without the trainings ``lacking``, numbered in the order in which they start."""

    def fold_map(work, trainings, **_):
        return (None if n in lacking else work(given) for n, given in enumerate(trainings))

    return cross_validate(
        "mlp",
        PARAMS,
        data,
        folds,
        seed=1,
        fidelity="described",
        profile=profile_of(),
        fold_map=fold_map,
        keep_weights=keep_weights,
    )


def test_training_clips_of_one_class_are_refused_with_the_remedy():
    data = TrainingData({"a": 2, "b": 2, "c": 0}, Classes(QUADRANTS))
    with pytest.raises(MerError, match=r"not of Q3 alone; label songs of other classes, or take"):
        cross_validate(
            "svm",
            None,
            data,
            [Fold(0, 0, ("a", "b"), (), ("c",))],
            seed=1,
            fidelity="described",
            profile=profile_of(),
            fold_map=parallel.parallel_map,
        )


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        (np.ones((2, 5)), r"'mlp' in fold 0 .* shape \(2, 4\), .* have \(2, 5\); let `build`"),
        (np.full((2, 4), np.nan), r"'mlp' in fold 0 of repeat 0 must be finite, .*; lower the lr"),
    ],
)
def test_a_wrong_answer_ends_the_run_at_the_first_fold(data, monkeypatch, predicted, message):
    folds = []

    def fit_predict(context, data):
        folds.append(context.fold)
        return FoldResult(predicted)

    monkeypatch.setattr(cross_validation.trainer_of("mlp"), "fit_predict", fit_predict)
    with pytest.raises(MerError, match=message):
        cross_validated(data)
    assert len(folds) == 1


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("cnn", "must return a torch.nn.Module, not NoneType; correct it"),
        ("svm", "must return a scikit-learn estimator, not None; correct it"),
    ],
)
def test_a_model_that_builds_nothing_is_refused(monkeypatch, model, message):
    module = registry.get("models", model)
    monkeypatch.setattr(module, "build", Mock(return_value=None))
    context = FoldContext(module, None, FOLDS[0], 1, "described", profile_of())
    data, trainer = TrainingData({}, Classes(QUADRANTS)), cross_validation.trainer_of(model)
    build = trainer._build if model == "cnn" else trainer._unfitted
    with pytest.raises(MerError, match=f"^models: build of .*{message}"):
        build(context, data, torch.zeros(1, 8))


def test_rows_stand_fold_by_fold_and_restarts_count_as_repeats(data):
    frame = cross_validated(data).predictions.frame
    places = list(dict.fromkeys(zip(frame["fold"], frame["repeat"], strict=True)))
    assert places == [(fold, restart) for fold in range(3) for restart in range(3)]


@pytest.mark.parametrize(
    ("lacking", "restarts", "folds"),
    [
        ([], 3, 3),
        ([8], 2, 3),
        ([5, 6, 7, 8], 1, 3),
        ([4, 6, 7], 1, 3),
        (range(2, 9), 1, 2),
        (range(1, 9), 1, 1),
    ],
)
def test_whole_restarts_count_or_else_the_folds_of_the_first(data, lacking, restarts, folds):
    found, whole = cross_validated(data, lacking), cross_validated(data).predictions.frame
    assert (found.restarts, found.n_folds) == (restarts, folds)
    kept = whole[(whole["repeat"] < restarts) & (whole["fold"] < folds)]
    assert found.predictions.frame.equals(kept.reset_index(drop=True))


def test_the_first_restart_alone_keeps_its_weights_and_names_its_columns(data):
    found = cross_validated(data, keep_weights=True)
    first = cross_validated(data, range(3, 9), keep_weights=True)
    assert list(found.weights) == list(found.selected_columns) == [(0, 0), (0, 1), (0, 2)]
    assert found.selected_columns == first.selected_columns
    for place, arrays in found.weights.items():
        assert all(np.array_equal(arrays[name], first.weights[place][name]) for name in arrays)


TWICE = [replace(fold, repeat=repeat) for repeat in (0, 1) for fold in FOLDS]


@pytest.fixture
def instant(monkeypatch):
    """Trainings that answer at once, with weights."""
    answer = FoldResult(np.full((2, 4), 0.123456), weights={"bias": np.ones(1)})
    monkeypatch.setattr(cross_validation.trainer_of("mlp"), "fit_predict", lambda *_: answer)


def test_restarts_are_numbered_after_the_repeats_of_the_protocol(data, instant):
    frame = cross_validated(data, folds=TWICE).predictions.frame
    places = list(dict.fromkeys(zip(frame["repeat"], frame["fold"], strict=True)))
    assert places == [
        (repeat + 2 * restart, fold)
        for repeat in (0, 1)
        for fold in range(3)
        for restart in range(3)
    ]


def test_the_first_repeat_alone_keeps_its_weights(data, instant):
    assert {*cross_validated(data, keep_weights=True, folds=TWICE).weights} == {
        (0, n) for n in range(3)
    }
    assert not cross_validated(data, folds=TWICE).weights


def test_predictions_have_four_digits(data, instant):
    assert np.unique(cross_validated(data).predictions.probabilities) == 0.1235


def test_the_seed_of_a_fold_does_not_change_between_versions():
    assert [cross_validation.fold_seed(42, fold) for fold in TWICE[2:4]] == [1855166678, 1623779278]
