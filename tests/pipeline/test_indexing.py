import hashlib
import os
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import zip_longest
from unittest.mock import Mock

import numpy as np
import pytest

from conftest import ROOT
from mer.datasets import folder, qaed
from mer.errors import MerError
from mer.io import fold_tables
from mer.io.feature_tables import read_features
from mer.io.files import read_json
from mer.io.tracks import read_tracks
from mer.pipeline import index
from mer.pipeline.demo.writers import folder as folder_writer
from mer.pipeline.demo.writers import qaed as qaed_writer
from mer.types import QUADRANTS, Clip, Track

ONE_EACH = dict.fromkeys(QUADRANTS, 1)


@pytest.fixture
def songs():
    """One clip of noise a quadrant, ids not in order."""
    tracks = [Track(f"MT{9 - i:010d}", q, artist='Björk, "B"') for i, q in enumerate(QUADRANTS)]
    noise = np.random.default_rng(0).normal(scale=0.1, size=(4, 8000)).astype(np.float32)
    return [(track, Clip(track.id, x, 8000)) for track, x in zip(tracks, noise)]


@pytest.fixture
def raw(songs, tmp_path):
    """A corpus in the folder layout."""
    folder_writer.write(tmp_path / "raw", songs)
    return tmp_path / "raw"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "index" / "corpus"


def test_index_holds_the_tracks_sorted(raw, target):
    index.build(raw, target, "folder", ONE_EACH)
    assert read_tracks(target) == folder.tracks(raw)
    assert read_json(target / "manifest.json") == {
        "status": "present",
        "n": 4,
        "counts": ONE_EACH,
        "has_audio": True,
        "unlabelled": 0,
        "not_audio": 1,
    }


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        (
            None,
            "must return a list of mer.types.Track, not NoneType; correct src/mer/datasets/folder",
        ),
        (iter([Track("a", "Q1")]), "must return a list of mer.types.Track, not list_iterator"),
        ([("a", "Q1")], "must return a list of mer.types.Track, not list"),
        ([Track("a", "Q5")], r"quadrant of the clip 'a' must be one of \['Q1', .*, not 'Q5'"),
        ([Track("a", None)], r"quadrant of the clip 'a' must be one of \['Q1', .*, not None"),
        (
            [Track(7, "Q1")],
            "id of the clip 7 must be a text that is not empty, not 7; correct src/mer",
        ),
        ([Track("", "Q1")], "id of the clip '' must be a text that is not empty, not ''"),
        ([Track("a", "Q1", artist=7)], "artist of the clip 'a' must be a text, or None, not 7"),
        (
            [Track("a", "", valence="0.5")],
            "valence of the clip 'a' must be a finite number, or None",
        ),
        (
            [Track("a", "", arousal=np.nan)],
            "arousal of the clip 'a' must be a finite number, or None",
        ),
        (
            [Track("a", "Q1", splits="train")],
            "splits of the clip 'a' must be a mapping to texts, not 'tra",
        ),
        (
            [Track("a", "Q1", spread={"valence": "b"})],
            "spread of the clip 'a' must be a mapping to finite",
        ),
        (
            [Track("a", "Q1", splits={"own": s}) for s in ("train", "validation", "test")],
            r"the split 'own' must name sides, of \['train', 'val', 'test'\], or .*, not 'validation'",
        ),
        (
            [Track("a", "Q1", splits={"own": s}) for s in ("training", "testing")],
            r"the split 'own' must name sides, of .*, not 'testing'; correct src/mer/datasets/folder",
        ),
    ],
)
def test_a_layout_that_returns_no_tracks_is_told(raw, target, monkeypatch, tracks, message):
    monkeypatch.setattr(folder, "tracks", Mock(return_value=tracks))
    with pytest.raises(MerError, match=message):
        index.build(raw, target, "folder", None)


def test_a_demo_that_is_rendered_later_has_nothing_to_check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["check_raw.py", "demo_4qaed"])
    runpy.run_path(str(ROOT / "stages/check_raw.py"), run_name="__main__")
    assert (tmp_path / "data/validated/demo_4qaed.txt").read_text() == "valid\n"


def contents(folder):
    """The bytes of each file, also in folders, by its path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def hashes(target):
    """Id -> sha256, as the index has it."""
    lines = (target / "tracks.csv").read_text(encoding="utf-8").splitlines()[1:]
    return {line.split(",")[0]: line.split(",")[2] for line in lines}


def test_index_hashes_the_audio_files_that_exist(raw, target, songs):
    missing, *others = [track.id for track, _ in songs]
    (raw / f"{missing}.wav").unlink()
    index.build(raw, target, "folder", None)
    expected = {
        id_: hashlib.sha256((raw / f"{id_}.wav").read_bytes()).hexdigest() for id_ in others
    }
    assert hashes(target) == {missing: "", **expected}


def test_index_holds_the_published_tables(songs, tmp_path, target):
    qaed_writer.write(tmp_path / "raw", songs)
    index.build(tmp_path / "raw", target, "qaed", ONE_EACH)
    stored = read_features(target / "tables/top100.parquet")
    published = qaed.published(tmp_path / "raw")["top100"]
    assert (stored.ids, stored.names) == (published.ids, published.names)
    assert (stored.values == published.values).all()
    assert stored.source == published.source


def test_index_without_audio_folders_says_so(songs, tmp_path, target):
    qaed_writer.write(tmp_path / "raw", songs)
    for q in QUADRANTS:
        shutil.rmtree(tmp_path / "raw" / qaed.AUDIO / q)
    index.build(tmp_path / "raw", target, "qaed", ONE_EACH)
    assert read_json(target / "manifest.json")["has_audio"] is False
    assert set(hashes(target).values()) == {""}


@pytest.mark.parametrize("counts", [{**ONE_EACH, "Q2": 2}, {"Q1": 1, "Q3": 1, "Q4": 1}])
def test_other_counts_are_refused_and_leave_the_index_as_it_was(raw, target, counts):
    index.build(raw, target, "folder", None)
    before = (target / "tracks.csv").read_bytes()
    wanted = counts.get("Q2", 0)
    with pytest.raises(MerError, match=f"'Q2': {wanted},.* not .*'Q2': 1,.*null accepts any"):
        index.build(raw, target, "folder", counts)
    assert (target / "tracks.csv").read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == ["corpus"]


@pytest.mark.parametrize(
    ("track", "message"),
    [
        (
            Track("Nocturne #2", "Q1", "Nocturne #2.mp3"),
            "'Nocturne #2'.*must not end like the id",
        ),
        (Track("a", "Q1", "../a.mp3"), r"'a' must be below that folder, not at '\.\./a.mp3'"),
        (Track("/a", "Q1"), "must be below that folder, not at '/a'"),
    ],
)
def test_names_that_mean_something_else_are_refused(raw, target, monkeypatch, track, message):
    monkeypatch.setattr(folder, "tracks", lambda _root: [track])
    with pytest.raises(MerError, match=message):
        index.build(raw, target, "folder", None)
    assert not target.exists()


def test_an_id_that_stands_twice_is_refused(raw, target, monkeypatch):
    twice = [Track("a", "Q1", "x/a.mp3"), Track("b", "Q1"), Track("a", "Q2", "y/a.mp3")]
    monkeypatch.setattr(folder, "tracks", lambda _root: twice)
    with pytest.raises(
        MerError, match=r"the clip 'a' must be listed once; .*'x/a.mp3' and again for 'y/a.mp3'"
    ):
        index.build(raw, target, "folder", None)
    assert not target.exists()


def test_a_pipe_in_place_of_a_song_has_no_digest(raw, target, songs):
    """Opening it would wait for ever."""
    pipe, *_ = [track.id for track, _ in songs]
    (raw / f"{pipe}.wav").unlink()
    os.mkfifo(raw / f"{pipe}.wav")
    index.build(raw, target, "folder", None)
    assert hashes(target)[pipe] == ""


@pytest.mark.parametrize("writer", [folder_writer, qaed_writer])
def test_a_linked_folder_is_refused_in_every_layout(songs, tmp_path, target, writer):
    writer.write(tmp_path / "raw", songs)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "raw" / "Features - Audio MER 2").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MerError, match="Audio MER 2' is a linked folder, behind which DVC"):
        index.build(tmp_path / "raw", target, "folder", None)


def test_same_corpus_gives_same_bytes(songs, tmp_path):
    qaed_writer.write(tmp_path / "raw", songs)
    for name in "ab":
        index.build(tmp_path / "raw", tmp_path / name, "qaed", None)
    a, b = (contents(tmp_path / name) for name in "ab")
    tables = {"tables/top100.parquet", "tables/families.json"}
    assert set(a) == {"tracks.csv", "unlabelled.csv", "manifest.json", *tables}
    assert a == b


def test_a_corrected_artist_leaves_the_published_tables_as_they_are(songs, tmp_path):
    corrected = [(replace(track, artist="Björk"), clip) for track, clip in songs]
    for name, given in (("a", songs), ("b", corrected)):
        qaed_writer.write(tmp_path / "raw" / name, given)
        index.build(tmp_path / "raw" / name, tmp_path / name, "qaed", None)
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert {name for name in a | b if a.get(name) != b.get(name)} == {"tracks.csv"}


def test_a_corpus_without_published_tables_has_their_folder(raw, target):
    index.build(raw, target, "folder", None)
    assert contents(target / "tables") == {"families.json": b"[]\n"}


def run_stage(root, workplace, key):
    """``stages/index.py <key>`` in a folder whose params have only what the stage declares."""
    counts = "{Q1: 1, Q2: 1, Q3: 1, Q4: 1}"
    params = f"corpora:\n  small:\n    layout: folder\n    range:\n    counts: {counts}\n"
    (workplace / "params").mkdir()
    (workplace / "params" / "corpora.yaml").write_text(params)
    command = [sys.executable, root / "stages" / "index.py", key]
    env = {**os.environ, "PYTHONPATH": str(root / "src")}
    return subprocess.run(
        command, cwd=workplace, env=env, capture_output=True, text=True, check=False
    )


def test_stage_needs_only_what_it_declares(root, songs, tmp_path):
    folder_writer.write(tmp_path / "data" / "raw" / "small", songs)
    done = run_stage(root, tmp_path, "small")
    assert done.returncode == 0, done.stderr
    assert len(read_tracks(tmp_path / "data" / "index" / "small")) == 4


def test_stage_ends_with_one_sentence(root, tmp_path):
    done = run_stage(root, tmp_path, "small")
    assert done.returncode == 1
    assert "index@small: data/raw/small/labels.csv must be a readable file" in done.stderr
    assert "Traceback" not in done.stderr


def test_folds_of_the_corpus_are_indexed(tmp_path):
    root = tmp_path / "songs"
    root.mkdir()
    (root / "labels.csv").write_text("path,quadrant\na.wav,Q1\nb.wav,Q2\n")
    (root / "folds.csv").write_text("id,fold\na,1\nb,2\n")
    index.build(root, tmp_path / "index", "folder", None)
    assert [f.test for f in fold_tables.read(tmp_path / "index/folds.csv")] == [("a",), ("b",)]
    (root / "folds.csv").write_text("id,fold\na.wav,1\nb,2\n")
    with pytest.raises(
        MerError, match=r"folds\.csv must list clips of the corpus, and 'a\.wav' is none"
    ):
        index.build(root, tmp_path / "index", "folder", None)


@pytest.fixture
def valued(tmp_path):
    """Two songs with values from 1 to 9, and no quadrant."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/labels.csv").write_text("path,arousal,label\na.wav,1,waltz\nb.wav,9,tango\n")
    return tmp_path / "raw"


def test_the_index_keeps_range_and_labels(valued, target):
    index.build(valued, target, "folder", 2, (1.0, 9.0))
    assert read_json(target / "manifest.json")["range"] == [1.0, 9.0]
    found = read_tracks(target)
    assert [(t.quadrant, t.arousal, t.label) for t in found] == [
        ("", 1.0, "waltz"),
        ("", 9.0, "tango"),
    ]


@pytest.mark.parametrize(("artists", "warns"), [("xy", False), ("x", True), ("", False)])
def test_clips_without_an_artist_are_counted_where_others_name_theirs(
    valued, target, caplog, artists, warns
):
    rows = [f"{song}.wav,1,{artist}\n" for song, artist in zip_longest("ab", artists, fillvalue="")]
    (valued / "labels.csv").write_text("path,arousal,artist\n" + "".join(rows))
    index.build(valued, target, "folder", 2)
    assert ("1 of 2 clips name no artist" in caplog.text) is warns


def test_a_value_outside_of_the_range_is_refused(valued, target):
    message = r"arousal of the clip 'b' must lie in the corpus' range, 1 to 5, and is 9; correct"
    with pytest.raises(MerError, match=message):
        index.build(valued, target, "folder", None, (1.0, 5.0))
    assert not target.exists()
