"""The perceptron on selected features: what each step sees."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_selection import SelectKBest, chi2

from conftest import profile_of
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.learn.trainers import sklearn_estimator
from mer.models import mlp
from mer.targets.classes import Classes
from mer.types import QUADRANTS, FeatureTable, Fold

PARAMS = mlp.Params(alpha=1.0, max_iter=1000, k=2, restarts=3)
PROFILE = profile_of()


@pytest.fixture
def rows(rng):
    """90 rows of six columns, two of which tell the class, and classes of 60, 20 and 10 rows."""
    y = np.repeat([0, 1, 2], [60, 20, 10])
    x = rng.uniform(0, 1, (90, 6))
    x[:, 1] += y
    x[:, 4] -= y
    return x * [1, 10, 1, 1, 100, 1], y


def fitted(rows, **changes):
    return mlp.build(
        PARAMS.model_copy(update=changes), seed=1, fidelity="described", predicts="classes"
    ).fit(*rows)


def test_every_class_is_as_rare_as_the_rarest(rows):
    kept = mlp.balanced(rows[1], 1)
    assert np.bincount(rows[1][kept]).tolist() == [10, 10, 10]
    assert len(set(kept)) == 30
    assert not np.array_equal(kept, mlp.balanced(rows[1], 2))


def test_every_class_of_every_corpus_is_as_rare_as_the_rarest():
    y = np.repeat([0, 1, 0, 1], [30, 20, 8, 5])
    sources = np.repeat(["en", "ch"], [50, 13])
    kept = mlp.balanced(y, 1, sources)
    assert [
        ((y[kept] == c) & (sources[kept] == s)).sum() for c in (0, 1) for s in ("en", "ch")
    ] == [5] * 4
    assert np.array_equal(mlp.balanced(y, 1, np.repeat("en", 63)), mlp.balanced(y, 1))


def test_columns_that_tell_the_class_are_selected_whatever_their_unit(rows):
    assert np.flatnonzero(fitted(rows).get_support()).tolist() == [1, 4]


def test_columns_are_ranked_on_balanced_rows_scaled_by_all(rows):
    x, y = rows
    kept = mlp.balanced(y, 1)
    scaled = (x - x.min(0)) / (x.max(0) - x.min(0))
    expected = SelectKBest(chi2, k=3).fit(scaled[kept], y[kept]).get_support()
    assert np.array_equal(fitted(rows, k=3).get_support(), expected)


def test_a_row_beyond_the_training_range_is_clipped(rows):
    network = fitted(rows)
    edge, beyond = rows[0].max(0, keepdims=True), rows[0].max(0, keepdims=True) + 1000
    assert np.allclose(network.predict_proba(edge), network.predict_proba(beyond))
    assert not np.allclose(network.predict_proba(edge), network.predict_proba(edge * 0.9))


def test_all_columns_stay_where_there_are_fewer(rows):
    assert fitted(rows, k=50).get_support().all()


def test_has_the_published_parameters(rng):
    """50 inputs, 100 hidden units, 4 classes."""
    x, y = rng.uniform(0, 1, (80, 60)), np.arange(80) % 4
    network = fitted((x, y), k=50).network
    assert sum(w.size for w in (*network.coefs_, *network.intercepts_)) == 5504


def test_released_scales_both_sides_by_themselves_and_cuts_the_table_off(rng):
    found = mlp.released(rng.uniform(3, 9, (20, 344)), 12)
    assert found.shape == (20, 260)
    for part in (found[:12], found[12:]):
        assert np.allclose(part.min(0), 0)
        assert np.allclose(part.max(0), 1)


@pytest.mark.parametrize("merged", [True, False])
def test_the_training_passes_on_the_corpus_of_each_row(rows, merged, monkeypatch):
    data, fold = _data_and_fold(rows)
    sources = {id_: f"corpus {int(id_[1:]) % 4}" for id_ in data.labels}
    seen = []
    monkeypatch.setattr(mlp, "balanced", lambda y, _seed, by: seen.append(by) or np.arange(len(y)))
    context = FoldContext(mlp, PARAMS, fold, 1, "described", PROFILE)
    sklearn_estimator.fit_predict(context, replace(data, sources=sources if merged else None))
    expected = [sources[id_] for id_ in fold.train] if merged else None
    assert (None if seen[0] is None else seen[0].tolist()) == expected


def _data_and_fold(rows):
    x, y = rows
    ids = tuple(f"t{i}" for i in range(90))
    labels = dict(zip(ids, y.tolist(), strict=True))
    data = TrainingData(labels, Classes(QUADRANTS[:3]), FeatureTable(ids, tuple("abcdef"), x))
    return data, Fold(0, 0, ids[::2], (), ids[1::2])


def test_the_run_names_the_selected_columns(rows):
    data, fold = _data_and_fold(rows)
    context = FoldContext(mlp, PARAMS, fold, 1, "described", PROFILE)
    found = sklearn_estimator.fit_predict(context, data)
    assert found.selected_columns == ("b", "e")
