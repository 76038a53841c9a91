"""Folds as plain CSV, as this project and other tools write them."""

import pandas as pd
import pytest
from sklearn.model_selection import PredefinedSplit

from mer.errors import MerError
from mer.io import fold_tables
from mer.splits import split
from mer.types import Fold


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folds.csv"


@pytest.mark.parametrize(
    ("protocol", "columns"),
    [
        ("cv10x10", ["repeat", "fold", "id"]),
        ("grouped", ["repeat", "fold", "id"]),
        ("leave_one_artist_out", ["repeat", "fold", "id"]),
        ("tvt_70_15_15", ["repeat", "fold", "id", "side"]),
        ("song_80_20", ["repeat", "fold", "id", "side"]),
    ],
)
def test_round_trip(corpus, file, protocol, columns):
    folds = split(corpus, protocol, seed=1)
    fold_tables.write(file, folds)
    assert list(pd.read_csv(file)) == columns
    assert fold_tables.read(file) == folds


def test_folds_that_do_not_train_on_all_others_keep_their_sides(file):
    folds = [Fold(0, 0, ("a",), (), ("b",)), Fold(0, 1, ("b", "a"), (), ("c",))]
    fold_tables.write(file, folds)
    assert fold_tables.read(file) == [folds[0], Fold(0, 1, ("a", "b"), (), ("c",))]


def test_other_tools_can_use_an_export(corpus, file):
    """The column ``fold`` is what scikit-learn's PredefinedSplit takes."""
    fold_tables.write(file, split(corpus, "cv10", seed=1))
    table = pd.read_csv(file)
    sides = [set(table["id"].iloc[test]) for _, test in PredefinedSplit(table["fold"]).split()]
    assert sides == [{*fold.test} for fold in split(corpus, "cv10", seed=1)]


@pytest.mark.parametrize(
    ("text", "folds"),
    [
        ("id,side\nb,train\na,test\nc,val\n", [Fold(0, 0, ("b",), ("c",), ("a",))]),
        (
            "fold,id\n10,a\n9,b\n9,c\n",
            [Fold(0, 0, ("a",), (), ("b", "c")), Fold(0, 1, ("b", "c"), (), ("a",))],
        ),
        (
            "id,fold\na,dev\nb,rock\n",
            [Fold(0, 0, ("b",), (), ("a",)), Fold(0, 1, ("a",), (), ("b",))],
        ),
    ],
)
def test_short_forms(file, text, folds):
    file.write_text(text)
    assert fold_tables.read(file) == folds


@pytest.mark.parametrize("sides", [("train", "test"), ("train", "val", "test")])
def test_ids_with_runs_of_blanks_and_line_breaks_stay(file, sides):
    ids = {side: (f"{side}  a\nb",) for side in sides}
    folds = [Fold(0, 0, ids["train"], ids.get("val", ()), ids["test"])]
    if len(sides) == 2:
        folds.append(Fold(0, 1, ids["test"], (), ids["train"]))
    fold_tables.write(file, folds)
    assert fold_tables.read(file) == folds


@pytest.mark.parametrize(
    "text",
    [
        "repeat,fold,id\n0,0,a\n0 ,1,b\n0,1 ,c\n",
        "repeat,fold,id,side\n0,0,b,train\n0 ,0 ,c,train\n0, 0,a,test\n"
        "0,1,a,train\n0,1 ,b,test\n0,1,c,test\n",
    ],
)
def test_blanks_around_a_fold_or_repeat_make_no_other(file, text):
    file.write_text(text)
    expected = [Fold(0, 0, ("b", "c"), (), ("a",)), Fold(0, 1, ("a",), (), ("b", "c"))]
    assert fold_tables.read(file) == expected


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("clip,fold\na,1\n", "must have a column 'id'"),
        ("id,Quadrant\na,1\n", "must have a column 'fold' or 'side'"),
        ("id,fold\na,1\nb,\n", "line 3: fold must not be empty"),
        ("id,side\na,train\n,test\n", "line 3: id must not be empty"),
        ("id,side\na,train\nb,dev\n", "line 3: side must be one of train, val, test, not 'dev'"),
        ("id,side\na,train\na,test\n", r"folds\.csv: .*'a' stands twice"),
        ("id,side\na,train\nb,val\n", r"folds\.csv: .* must have training and test clips"),
        ("id,fold\na,1\nb,1\n", r"folds\.csv: .* write a row per clip"),
        ("id,fold\na,1\nb,2\na,2\n", "the clip 'a' must have one row"),
    ],
)
def test_refuses(file, text, match):
    file.write_text(text)
    with pytest.raises(MerError, match=match) as caught:
        fold_tables.read(file)
    assert str(caught.value).startswith(str(file))
    assert f"{file}: {file}" not in str(caught.value)
