"""Clips that are there more than once."""

import numpy as np
import pytest

from mer.audit import duplicates, tables
from mer.audit.duplicates import Pair
from mer.errors import MerError
from mer.types import FeatureSet


def table(values):
    return FeatureSet(
        tuple("abcdef"[: len(values)]), tuple(map(str, range(values.shape[1]))), values
    )


def test_the_same_digest_is_the_same_clip():
    digests = {"c": "1", "a": "1", "b": "2", "d": "1", "no file": "", "none either": ""}
    assert duplicates.same(digests) == [Pair("a", "c", 0), Pair("a", "d", 0)]


def test_rows_that_differ_little_are_near_duplicates(rng):
    values = rng.normal(size=(6, 40)) * 10.0 ** rng.integers(-3, 4, 40)
    assert duplicates.near(table(values)) == []
    values[4] = values[1] + 0.05 * values.std(axis=0) * rng.normal(size=40)
    values[5] = values[2]
    (c, f, none), (b, e, little) = duplicates.near(table(values))
    assert (c, f, none) == ("c", "f", 0.0)
    assert (b, e) == ("b", "e")
    assert 0.02 < little < 0.12


def test_a_constant_column_says_nothing():
    values = np.ones((3, 2))
    assert duplicates.near(table(values)) == []
    values[:, 0] = 1, 1, 5
    assert duplicates.near(table(values)) == [Pair("a", "b", 0.0)]


def test_conflicts_have_two_labels():
    pairs = [Pair("a", "b", 0.0), Pair("a", "c", 0.1)]
    assert duplicates.conflicts(pairs, {"a": "Q1", "b": "Q1", "c": "Q3"}) == [pairs[1]]


def test_the_published_table_of_tr_music(real_data):
    """Er & Aydilek's table, UCI 862: 38 rows are exact or near duplicates, always within a class."""
    features, classes = tables.read(real_data / "turkish/Acoustic Features.csv")
    assert features.values.shape == (400, 50)
    assert sorted(set(classes.values())) == ["angry", "happy", "relax", "sad"]
    near = duplicates.near(features)
    assert len(tables.repeated(features)) == 12
    assert len({id_ for pair in near for id_ in pair[:2]}) == 38
    assert duplicates.conflicts(near, classes) == []


def test_the_published_table_of_4qaed_has_none(real_data):
    features, _ = tables.read(real_data / "4qaed_tables/top100_features.csv")
    assert features.values.shape == (900, 100)
    assert duplicates.near(features) == []


@pytest.mark.parametrize("text", ["a,b\nx,y\n", ""])
def test_a_table_without_numbers(tmp_path, text):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(MerError, match=r"x\.csv must"):
        tables.read(tmp_path / "x.csv")
