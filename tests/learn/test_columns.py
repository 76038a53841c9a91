"""Which columns a model sees: by the catalogue, and by rank inside a fold."""

from dataclasses import replace

import numpy as np
import pytest

from mer import config, registry
from mer.errors import MerError
from mer.features import _panda_catalogue
from mer.learn import feature_selection
from mer.learn.cross_validation import cross_validate
from mer.learn.data import TrainingData
from mer.learn.trainers import sklearn_estimator
from mer.runtime import parallel
from mer.schema.feature_selection import EVERY_COLUMN
from mer.splits import split
from mer.targets.classes import Classes
from mer.types import QUADRANTS, FeatureTable, Fold

CATALOGUE = _panda_catalogue.catalogue()
TABLE = FeatureTable(("a",), tuple(CATALOGUE), np.arange(1714.0)[None])
RANKED = [EVERY_COLUMN.model_copy(update={"select": how, "k": 4}) for how in ("relieff", "chi2")]


def catalogued(**changes: str) -> FeatureTable:
    chosen = EVERY_COLUMN.model_copy(update=changes)
    return feature_selection.catalogued_columns(TABLE, "published1714", chosen)


@pytest.mark.parametrize(
    ("changes", "n"),
    [
        ({"grades": "A"}, 620 + 487),
        ({"grades": "AB"}, 1463),
        ({"channel": "original"}, 898 + 407),
        ({"channel": "voice"}, 409),
        ({"dimension": "rhythm"}, 173),
        ({"dimension": "texture", "channel": "original"}, 20),
        ({"subset": "top100"}, 100),
    ],
)
def test_the_catalogue_says_which_columns_stay(changes, n):
    found = catalogued(**changes)
    assert len(found.names) == n
    assert list(found.values[0]) == [list(CATALOGUE).index(name) for name in found.names]


def test_a_choice_that_leaves_no_column_is_an_error():
    with pytest.raises(MerError, match=r"'published1714' has none with .*'texture'"):
        catalogued(dimension="texture", grades="A")


def test_what_narrows_the_table_is_told_and_nothing_else():
    assert EVERY_COLUMN.used == {}
    chosen = EVERY_COLUMN.model_copy(update={"grades": "AB", "select": "chi2"})
    assert chosen.used == {"grades": "AB", "select": "chi2", "k": 100}
    leaky = chosen.model_copy(update={"leak": "before_split"})
    assert leaky.used == chosen.used | {"leak": "before_split"}
    assert EVERY_COLUMN.model_copy(update={"leak": "before_split"}).used == {}


def test_the_committed_selection_sees_every_column(root):
    assert config.read("columns", path=root / "params.yaml") == [EVERY_COLUMN]


@pytest.fixture(scope="module")
def data(corpus):
    """Twenty columns; each of the quadrants shows in one of the odd ones up to the seventh."""
    rng = np.random.default_rng(0)
    y = np.array([QUADRANTS.index(t.quadrant) for t in corpus])
    values = rng.standard_normal((len(y), 20))
    values[np.arange(len(y)), 2 * y + 1] += 4
    names = tuple(f"c{i:02d}" for i in range(20))
    table = FeatureTable(tuple(t.id for t in corpus), names, values)
    return TrainingData({t.id: int(q) for t, q in zip(corpus, y)}, Classes(QUADRANTS), table)


def most_of(data):
    """A fold that trains on all clips but the last."""
    *train, last = data.table.ids
    return Fold(0, 0, tuple(train), (), (last,))


@pytest.mark.parametrize("chosen", RANKED, ids=lambda c: c.select)
def test_the_telling_columns_are_ranked_first(data, chosen):
    found = replace(data, columns=chosen).with_ranked_columns(most_of(data))
    assert found.table.names == ("c01", "c03", "c05", "c07")
    assert np.array_equal(found.table.values, data.table.values[:, [1, 3, 5, 7]])


@pytest.mark.parametrize("chosen", RANKED, ids=lambda c: c.select)
def test_of_columns_that_rank_alike_the_first_are_taken(data, chosen):
    """Copies of a column that tells nothing and of one that does, by turns."""
    names = tuple(f"copy {n}" for n in range(200))
    table = FeatureTable(data.table.ids, names, np.tile(data.table.values[:, :2], 100))
    five = chosen.model_copy(update={"k": 5})
    found = feature_selection.best_columns(table, data.labels, table.ids, five)
    assert found.names == names[1:11:2]


def test_a_constant_column_comes_last(data):
    table = replace(data.table, values=data.table.values * (np.arange(20) != 2) + 3)
    for chosen in RANKED:
        all_but_one = chosen.model_copy(update={"k": 19})
        found = feature_selection.best_columns(table, data.labels, table.ids, all_but_one)
        assert ("c02" in found.names) is (chosen.select == "relieff")  # 0 beats a negative weight


def test_more_columns_than_there_are_is_an_error(data):
    chosen = EVERY_COLUMN.model_copy(update={"select": "chi2"})
    with pytest.raises(MerError, match=r"columns\.k=100 must be at most 20"):
        replace(data, columns=chosen).with_ranked_columns(most_of(data))


def seen(data, folds, chosen, monkeypatch, root):
    """The columns that each fold's training gets."""
    (params,) = config.read("models.svm", path=root / "params.yaml")
    (profile,) = config.read("profiles.demo", path=root / "params.yaml")
    real, names = sklearn_estimator.fit_predict, []

    def notes(context, data):
        names.append(data.table.names)
        return real(context, data)

    monkeypatch.setattr(sklearn_estimator, "fit_predict", notes)
    data = replace(data, columns=chosen)
    options = {"seed": 1, "fidelity": "described", "profile": profile}
    cross_validate("svm", params, data, folds, fold_map=parallel.parallel_map, **options)
    monkeypatch.undo()
    return names


@pytest.mark.parametrize("chosen", RANKED, ids=lambda c: c.select)
def test_the_ranking_sees_training_clips_only(corpus, data, chosen, monkeypatch, root):
    """Even if the test clips of a fold alone would say that other columns tell."""
    fold, other = split(corpus, "cv10", seed=1, folds=2)
    values = data.table.values.copy()
    test = [data.table.ids.index(id_) for id_ in fold.test]
    y = np.array([data.labels[id_] for id_ in fold.test])
    values[test, 2 * y + 10] += 900
    altered = replace(data, table=replace(data.table, values=values))
    found = []
    for given in (data, altered):
        found.append(seen(given, [fold, other], chosen, monkeypatch, root))
    assert found[0][0] == found[1][0] == ("c01", "c03", "c05", "c07")
    assert found[0][1] != found[1][1]  # where those clips train


@pytest.mark.parametrize("chosen", RANKED, ids=lambda c: c.select)
def test_the_ranking_sees_no_validation_clip(corpus, data, chosen):
    """Even if these alone would say that other columns tell."""
    fold = split(corpus, "cv10", seed=1, folds=2)[0]
    fold = replace(fold, val=fold.test[1:], test=fold.test[:1])
    values = data.table.values.copy()
    rows = [data.table.ids.index(id_) for id_ in fold.val]
    y = np.array([data.labels[id_] for id_ in fold.val])
    values[rows, 2 * y + 10] += 90
    values[rows, 2 * y + 1] -= 4
    altered = replace(data, table=replace(data.table, values=values), columns=chosen)
    assert altered.with_ranked_columns(fold).table.names == ("c01", "c03", "c05", "c07")


@pytest.mark.parametrize("chosen", RANKED, ids=lambda c: c.select)
def test_a_ranking_with_the_leak_sees_the_test_clips_too(corpus, data, chosen, monkeypatch, root):
    folds = split(corpus, "cv10", seed=1, folds=2)
    leaky = chosen.model_copy(update={"leak": "before_split"})
    noise = np.random.default_rng(1).standard_normal(data.table.values.shape)
    pure = replace(data, table=replace(data.table, values=noise))
    clean = seen(pure, folds, chosen, monkeypatch, root)
    first, second = seen(pure, folds, leaky, monkeypatch, root)
    assert first == second  # both sides of a fold together are the corpus
    assert clean[0] != clean[1]


def test_families_that_say_so_have_a_catalogue_of_their_columns(root):
    for family in ("top100", "published1714", "panda1714"):
        module = registry.get("features", family)
        (params,) = config.read(f"families.{family}", path=root / "params.yaml")
        assert set(module.names(params)) <= set(module.catalogue())
