"""Clips that are there more than once."""

import numpy as np
import pandas as pd
import pytest

from mer.audit import duplicates, tables
from mer.audit.duplicates import Pair
from mer.errors import MerError
from mer.types import FeatureTable


def table(values):
    return FeatureTable(
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
    path = real_data / "turkish/Acoustic Features.csv"
    assert sorted(set(tables.read(path)[2].values())) == ["angry", "happy", "relax", "sad"]
    found = tables.audit(path)
    assert (found.rows, found.columns, found.left_out) == (400, 50, [])
    assert len(found.exact) == 12
    assert len({id_ for pair in found.near for id_ in pair[:2]}) == 38
    assert found.conflicts == []


def test_the_published_table_of_4qaed_has_none(real_data):
    found = tables.audit(real_data / "4qaed_tables/top100_features.csv")
    assert (found.rows, found.columns, found.left_out) == (900, 100, [])
    assert (found.exact, found.near) == ([], [])


def audited(folder, text):
    (folder / "x.csv").write_text(text)
    return tables.audit(folder / "x.csv")


def test_rows_are_compared_in_columns_with_blank_and_infinite_cells_too(tmp_path):
    found = audited(tmp_path, "id,a,b\nx,1,2\ny,1,3\nz,1,\n")
    assert (found.columns, found.left_out) == (2, ["b"])
    assert (found.exact, found.near) == ([], [])
    assert audited(tmp_path, "a,b\n1,inf\n1,-inf\n1,\n").exact == []
    found = audited(tmp_path, "a,b\n" + "1,\n2,5\n" * 5)
    of_blank = [Pair("line 2", f"line {line}", 0.0) for line in (4, 6, 8, 10)]
    assert [pair for pair in found.exact if pair.first == "line 2"] == of_blank
    assert len(found.exact) == 8


@pytest.mark.parametrize(
    "rows",
    ["1,2\n1,2\n", "1,\n1,\n1,3\n", ",1\n2,\n,1\n", "-0.0,2\n0,2\n1,\n", "1,inf\n1,inf\n2,3\n"],
)
def test_an_equal_row_is_a_near_duplicate_too(tmp_path, rows):
    """Even where no column varies, or all are left out of the search."""
    found = audited(tmp_path, f"a,b\n{rows}")
    assert len(found.exact) == 1
    assert found.near[0] == found.exact[0]


def test_equal_rows_with_different_labels(tmp_path):
    found = audited(tmp_path, "Label,a\nQ1,1\nQ2,1\n")
    assert found.conflicts == [Pair("line 2", "line 3", 0.0)]


@pytest.mark.parametrize("text", ["a,b\nx,y\n", "id\n1\n", "a\nNA\n", ""])
def test_a_table_without_numbers(tmp_path, text):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(MerError, match=r"x\.csv must"):
        tables.read(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("a,b\n\n1,2\n\n1,2\n", "line 3", "line 5"),
        ("\n\na,b\n1,2\n1,2\n", "line 4", "line 5"),
        ("\ufeffa,b\n1,2\n1,2\n", "line 2", "line 3"),
    ],
)
def test_blank_lines_count_as_lines(tmp_path, text, first, second):
    assert audited(tmp_path, text).exact == [Pair(first, second, 0.0)]


def test_classes_that_are_numbers_are_no_feature(tmp_path):
    found = audited(tmp_path, "a;b;label\n5;6,5;1\n5;6,5;2\n7;8;1\n")
    assert found.columns == 2
    assert found.conflicts == [Pair("line 2", "line 3", 0.0)]


def test_equal_rows_with_different_numeric_ids_are_found(tmp_path):
    found = audited(tmp_path, "SongID,a,b\n1,5,2\n2,7,8\n3,5,2\n")
    assert (found.rows, found.columns) == (3, 2)
    assert found.exact == [Pair("line 2", "line 4", 0.0)]


@pytest.mark.parametrize("name", ["Song ID", "song-id", "nr", "Track_Id", "Unnamed: 0"])
def test_ids_are_no_features_under_any_spelling_of_their_column(tmp_path, name):
    found = audited(tmp_path, f"{name},a\n1,5\n2,7\n3,5\n")
    assert (found.columns, found.exact) == (1, [Pair("line 2", "line 4", 0.0)])


@pytest.mark.parametrize("blank", ["NA", "n/a", "Null", "NaN"])
def test_the_blanks_of_other_programs_are_blank(tmp_path, blank):
    found = audited(tmp_path, f"a,b\n1,2\n1,3\n1,{blank}\n1,\n")
    assert (found.columns, found.left_out, found.mixed) == (2, ["b"], [])
    assert found.exact == [Pair("line 4", "line 5", 0.0)]


def test_a_column_of_numbers_with_a_typing_error_is_named(tmp_path):
    found = audited(tmp_path, "a,b,artist,blank\n1,2,311,\n1,3,Abba,\n1,4x,Queen,NA\n")
    assert (found.columns, found.mixed) == (1, ["b"])


@pytest.mark.parametrize("index", [False, True])
def test_the_index_that_pandas_writes_is_no_column(tmp_path, rng, index):
    values = pd.DataFrame(rng.normal(size=(20, 3)), columns=["x", "y", "z"])
    pd.concat([values, values[:5]], ignore_index=True).to_csv(tmp_path / "t.csv", index=index)
    found = tables.audit(tmp_path / "t.csv")
    assert (found.columns, len(found.exact)) == (3, 5)
