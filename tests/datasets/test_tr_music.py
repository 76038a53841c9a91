import csv
from collections import Counter

import pytest

from mer.datasets import tr_music
from mer.errors import MerError
from mer.splits import shares_groups, split
from mer.types import QUADRANTS, Track

NAMES = [tuple(tr_music.EMOTIONS), QUADRANTS]


def fill(root, folders, files):
    """Files of given bytes: ``files[quadrant][name]``, in folders of the given names."""
    for q, folder in zip(QUADRANTS, folders):
        (root / folder).mkdir(parents=True)
        for name, data in files.get(q, {}).items():
            (root / folder / name).write_bytes(data)
    return root


@pytest.mark.parametrize("folders", NAMES, ids=["emotions", "quadrants"])
@pytest.mark.parametrize("nested", ["", "tr-music-dataset"])
def test_the_folder_is_the_label(tmp_path, folders, nested):
    fill(tmp_path / nested, folders, {q: {"1.mp3": q.encode()} for q in QUADRANTS})
    found = tr_music.tracks(tmp_path)
    assert [(t.id, t.quadrant) for t in found] == [(f"{q}/1", q) for q in QUADRANTS]
    assert [(tmp_path / t.path).read_bytes().decode() for t in found] == list(QUADRANTS)


def test_equal_files_are_one_group_and_no_other(tmp_path):
    files = {"Q1": {"1.mp3": b"aa", "2.mp3": b"bb", "3.mp3": b"aa"}, "Q3": {"9.mp3": b"aa"}}
    found = {t.id: t for t in tr_music.tracks(fill(tmp_path, QUADRANTS, files))}
    groups = {id_: t.group for id_, t in found.items()}
    assert groups["Q1/1"] == groups["Q1/3"] == groups["Q3/9"] == "artist:Q1/1"
    assert groups["Q1/2"] == "track:Q1/2"


def test_no_split_by_artist_separates_equal_files(tmp_path):
    files = {q: {f"{i:02d}.mp3": f"{q}{i // 2:02d}".encode() for i in range(20)} for q in QUADRANTS}
    tracks = tr_music.tracks(fill(tmp_path, QUADRANTS, files))
    folds = split(tracks, "grouped", seed=1, folds=5, repeats=2)
    assert not shares_groups(tracks, folds)
    assert shares_groups(tracks, split(tracks, "cv10", seed=1))


@pytest.mark.parametrize(
    ("folders", "match"),
    [
        ((), r"must have the folders happy, angry, sad, relaxed and has none; unpack"),
        (("happy", "angry", "sad"), r"must have one folder per emotion, .* not \['happy', 'angry'"),
        (("happy", "angry", "sad", "relaxed", "Q1"), r"must have one folder per emotion, .*'Q1'\]"),
        (QUADRANTS, r"must have mp3 files in the folders of the emotions and has none; unpack"),
    ],
)
def test_refuses(tmp_path, folders, match):
    for folder in folders:
        (tmp_path / folder).mkdir()
    with pytest.raises(MerError, match=match):
        tr_music.tracks(tmp_path)


def test_the_published_table_has_our_classes_and_equal_rows_within_them(real_data):
    """It has no ids: what can be held against it are the classes and that clips repeat."""
    with (real_data / "turkish" / "Acoustic Features.csv").open(newline="") as stream:
        head, *rows = csv.reader(stream)
    assert (head[0], len(head)) == ("Class", 51)
    assert Counter(row[0] for row in rows) == dict.fromkeys(("happy", "angry", "sad", "relax"), 100)
    assert {emotion.removesuffix("ed") for emotion in tr_music.EMOTIONS} == {r[0] for r in rows}
    classes = {}
    for row in rows:
        classes.setdefault(tuple(row[1:]), set()).add(row[0])
    assert 400 - len(classes) == 12
    assert all(len(found) == 1 for found in classes.values())


def test_quadrants_are_russells():
    assert tr_music.EMOTIONS == {"happy": "Q1", "angry": "Q2", "sad": "Q3", "relaxed": "Q4"}
    assert Track("Q2/1", "Q2").group == "track:Q2/1"
