"""Files of a folder are told by their suffix; labels find files under another spelling."""

import os
import unicodedata
from pathlib import Path

import pytest

from mer.errors import MerError
from mer.io import audio_files
from mer.types import Track

CAFE = "Café 01.wav"


def test_every_file_is_audio_or_another(tmp_path):
    for name in ("a.wav", "b/c.RF64", "d.w64", "e.aifc", "f.snd", "g.mp2", "h.m4a", "i.webm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("notes.txt", "b/cover.jpg", "README"):
        (tmp_path / name).touch()
    found = audio_files.find(tmp_path)
    assert found.audio == [
        "a.wav",
        "b/c.RF64",
        "d.w64",
        "e.aifc",
        "f.snd",
        "g.mp2",
        "h.m4a",
        "i.webm",
    ]
    assert found.others == ["README", "b/cover.jpg", "notes.txt"]


def test_a_link_to_nothing_is_a_file_that_cannot_be_used(tmp_path):
    (tmp_path / "a.mp3").symlink_to(tmp_path / "unmounted")
    assert audio_files.find(tmp_path).audio == ["a.mp3"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    entries = os.scandir

    def scandir(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return entries(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(MerError, match=r"closed must be a folder that can be read \(Permission"):
        audio_files.find(tmp_path)


def test_a_linked_folder_is_entered_once(tmp_path):
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "a.wav").touch()
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "linked").symlink_to(tmp_path / "album")
    (tmp_path / "album" / "back").symlink_to(tmp_path / "songs")
    assert audio_files.find(tmp_path / "songs").audio == ["linked/a.wav"]


@pytest.mark.parametrize(
    ("label", "file"),
    [
        (CAFE, unicodedata.normalize("NFD", CAFE)),
        ("song01.wav", "Song01.WAV"),
        ("Q1\\s1.wav", "Q1/s1.wav"),
        ("s1.wav ", "s1.wav"),
        ("my%20song.wav", "my song.wav"),
        (".\\Q1\\s1.wav", "Q1/s1.wav"),
    ],
)
def test_a_label_finds_its_file_under_another_spelling(label, file):
    assert audio_files.respelled([label, "other.wav"], [file, "other.wav"]) == {label: file}


def test_a_label_that_two_files_match_finds_none():
    assert audio_files.respelled(["A.WAV"], ["a.wav", "A.wav"]) == {}
    assert audio_files.respelled(["A.WAV", "a.Wav"], ["a.wav"]) == {}


def test_the_file_of_another_label_is_not_taken():
    assert audio_files.respelled(["a.wav", "A.wav"], ["a.wav"]) == {}


def test_tracks_get_the_path_of_their_file(caplog):
    tracks = [Track("a", "Q1", "A.wav"), Track("b", "Q1", "b.wav"), Track("c", "Q1")]
    found = audio_files.of_tracks(tracks, audio_files.Found(["a.wav"], ["b.wav"]))
    assert [track.path for track in found] == ["a.wav", "b.wav", None]
    assert "1 files have another name" in caplog.text
    assert "the first is 'a.wav', labelled 'A.wav'" in caplog.text
