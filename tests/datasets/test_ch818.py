from collections import Counter

import pytest

from helpers import workbooks
from helpers.corpora import eight_songs
from mer.datasets import ch818
from mer.errors import MerError
from mer.pipeline.demo.writers import ch818 as ch818_writer
from mer.types import QUADRANTS


@pytest.fixture
def songs(tmp_path):
    """Write empty audio files; returns the root."""

    def write(files):
        (tmp_path / "ch818_mp3").mkdir()
        for name in files:
            (tmp_path / "ch818_mp3" / name).touch()
        return tmp_path

    return write


@pytest.fixture
def labelled(songs):
    """Write empty audio files and their labels; returns the root."""

    def write(text, files):
        root = songs(files)
        (root / "ch818_mp3/CH818_Quads.csv").write_text(text, encoding="utf-8")
        return root

    return write


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
@pytest.mark.parametrize("suffix", [".mp3", ""])
def test_labels_are_joined_by_name_whatever_the_column(labelled, order, suffix):
    quads = {1: "Q1", 2: "Q3", 3: "Q4"}
    rows = "".join(f"{9 - n},歌 {n}{suffix},{quads[n]}\n" for n in order)
    root = labelled(f"Row,Name,Quads\n{rows}", [f"歌 {n}.mp3" for n in quads])
    assert {t.id: t.quadrant for t in ch818.tracks(root)} == {
        "歌 1": "Q1",
        "歌 2": "Q3",
        "歌 3": "Q4",
    }
    assert ch818.tracks(root)[0].path == "ch818_mp3/歌 1.mp3"


@pytest.mark.parametrize("spelling", ["{}", "Q{}", "{}.0"])
def test_quadrants_may_be_numbers(labelled, spelling):
    rows = "".join(f"{n}.mp3,{spelling.format(n)}\n" for n in (1, 2, 3, 4))
    root = labelled(f"File,Quads\n{rows}", [f"{n}.mp3" for n in (1, 2, 3, 4)])
    assert [t.quadrant for t in ch818.tracks(root)] == list(QUADRANTS)


def test_keeps_the_first_89_of_each_quadrant_by_name(labelled):
    names = {f"{i:03d}": QUADRANTS[i % 3] for i in range(300)} | {"900": "Q4"}
    rows = "".join(f"{name}.mp3,{q}\n" for name, q in reversed(names.items()))
    found = ch818.tracks(labelled(f"File,Quads\n{rows}", [f"{name}.mp3" for name in names]))
    assert Counter(t.quadrant for t in found) == {"Q1": 89, "Q2": 89, "Q3": 89, "Q4": 1}
    assert max(t.id for t in found if t.quadrant == "Q1") == f"{3 * 88:03d}"


def test_keeps_the_path_of_a_missing_file(labelled):
    root = labelled("File,Quads\na.mp3,Q1\nb.mp3,Q2\n", ["a.mp3"])
    assert [t.path for t in ch818.tracks(root)] == ["ch818_mp3/a.mp3", "ch818_mp3/b.mp3"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("File,Quads\na.mp3,Q1\nb.mp3,Q5\n", r"line 3: Quads must be one of .*, not 'Q5'"),
        ("File,Quads\na.mp3,Q1\nb.mp3,\n", r"line 3: Quads must be one of .*, not ''"),
        ("File,Quads\na.mp3,Q1\nb.mp3,Q1\n,Q1\n", r"line 4: File must name a clip, not be empty"),
        ("File,Quads\na.mp3,Q1\n", r"must have a row for each file .* none for 'b' \(1 such"),
        ("File,Quads\na.mp3,Q1\na,Q1\nb,Q1\n", r"line 3: the clip 'a' must have one row"),
        ("File,Class\na.mp3,Q1\n", r"must have a column 'Quads'"),
        ("Quads\nQ1\nQ2\n", r"must have a column that names the audio files, such as a.mp3"),
        ("Row,Quads\n1,Q1\n2,Q2\n", r"must have a column that names the audio files"),
    ],
)
def test_refuses(labelled, text, match):
    with pytest.raises(MerError, match=match):
        ch818.tracks(labelled(text, ["a.mp3", "b.mp3"]))


@pytest.mark.parametrize("place", ["", "ch818_mp3"])
@pytest.mark.parametrize("number", [False, True], ids=["Q1", "1"])
def test_a_workbook_is_joined_by_name(songs, place, number):
    quads = {"歌 1": "Q1", "2": "Q3", "c": "Q4"}
    root = songs([f"{name}.mp3" for name in quads])
    rows = [(9 - i, n, int(q[1]) if number else q) for i, (n, q) in enumerate(quads.items())]
    rows = [("Row", "Name", "Quads"), *((r, 2 if n == "2" else n, q) for r, n, q in reversed(rows))]
    workbooks.write(root / place / "CH818.xlsx", rows)
    found = ch818.tracks(root)
    assert {t.id: t.quadrant for t in found} == quads
    assert {t.path for t in found} == {f"ch818_mp3/{name}.mp3" for name in quads}


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([("File", "Quads"), ("a", "Q1"), ("b", 5)], r"line 3: Quads must be one of .*, not '5'"),
        ([("File", "Quads"), ("a", "Q1"), ("b",)], r"line 3: Quads must be one of .*, not ''"),
        (
            [("File", "Quads"), ("a", "Q1"), ("a.mp3", "Q2")],
            r"line 3: the clip 'a' must have one row",
        ),
        ([("File", "Class"), ("a", "Q1")], r"xlsx must have a column 'Quads', not only .*'Class'"),
        (
            [("File", "Quads"), ("a", "Q1")],
            r"must have a row for each file .* none for 'b' \(1 such",
        ),
        ([("File", "Quads")], r"must have at least one row"),
        ([], r"must have a column 'Quads', not only \[\]"),
    ],
)
def test_refuses_a_workbook(songs, rows, match):
    root = songs(["a.mp3", "b.mp3"])
    workbooks.write(root / "CH818.xlsx", rows)
    with pytest.raises(MerError, match=match):
        ch818.tracks(root)


def test_the_saved_sheet_goes_before_the_workbook(labelled):
    root = labelled("File,Quads\na,Q2\n", ["a.mp3"])
    workbooks.write(root / "CH818.xlsx", [("File", "Quads"), ("a", "Q1")])
    assert [t.quadrant for t in ch818.tracks(root)] == ["Q2"]


def test_neither_is_told_what_to_do(songs):
    with pytest.raises(
        MerError, match=r"one file CH818.xlsx, .*; .*or its sheet as CH818_Quads.csv"
    ):
        ch818.tracks(songs(["a.mp3"]))


def test_the_miniature_keeps_its_labels(tmp_path):
    ch818_writer.write(tmp_path, eight_songs())
    assert {t.id: t.quadrant for t in ch818.tracks(tmp_path)} == {
        t.id: t.quadrant for t, _ in eight_songs()
    }
