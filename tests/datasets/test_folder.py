from collections import Counter

import pytest
import soundfile as sf

from helpers.corpora import eight_songs, tone
from mer.datasets import folder
from mer.errors import MerError
from mer.pipeline.demo.writers import folder as folder_writer
from mer.types import QUADRANTS, Track


@pytest.fixture
def songs():
    return eight_songs()


@pytest.fixture
def labelled(tmp_path):
    """Tracks of a folder with the given labels.csv."""

    def tracks(text, encoding="utf-8"):
        (tmp_path / "labels.csv").write_bytes(text.encode(encoding))
        return folder.tracks(tmp_path)

    return tracks


def test_keeps_ids_splits_and_points(songs, tmp_path):
    track = Track("a/b.c", "Q2", None, 0.25, 0.75, "Band", {"own": "val"})
    folder_writer.write(tmp_path, [(track, tone(track.id, "Q2"))])
    (found,) = folder.tracks(tmp_path)
    assert found == Track("a/b.c", "Q2", "a/b.c.wav", 0.25, 0.75, "Band", {"own": "val"})


def test_writes_pcm16(songs, tmp_path):
    folder_writer.write(tmp_path, songs[:1])
    info = sf.info(tmp_path / f"{songs[0][0].id}.wav")
    assert (info.subtype, info.samplerate, info.frames) == ("PCM_16", 22050, 5512)


@pytest.mark.parametrize(
    "name",
    ['say "yes", no', "two\nlines", " blanks ", "\U0001f3b5 ñandú", "semi;colon", "a.b.c", "x/y/z"],
)
def test_takes_any_name(songs, tmp_path, name):
    folder_writer.write(tmp_path, [(Track(name, "Q1"), tone(name, "Q1"))])
    (found,) = folder.tracks(tmp_path)
    assert (found.id, found.path) == (name, f"{name}.wav")
    assert (tmp_path / found.path).is_file()


def test_takes_a_byte_order_mark_and_any_column_order(labelled):
    (found,) = labelled("artist,extra,quadrant,path\n  The  Band ,7,Q3,./a/b.mp3\n", "utf-8-sig")
    assert found == Track("a/b", "Q3", "a/b.mp3", artist="The Band")


def test_takes_a_second_column_of_another_spelling_and_an_empty_column_of_sources(labelled):
    (found,) = labelled("path,quadrant,artist,Artist,source\na.mp3,Q1,Abba,Sweden,\n")
    assert (found.artist, found.source) == ("Abba", None)


def test_without_artist_is_its_own_group(labelled):
    (found,) = labelled("path,quadrant,artist\na.mp3,Q1,\n")
    assert (found.artist, found.group) == (None, "track:a")


def test_finds_quadrants_by_midpoints(labelled):
    points = {"a": (9, 8), "b": (2, 7), "c": (1, 1), "d": (8, 3)}
    found = labelled(
        "path,valence,arousal\n" + "".join(f"{k}.wav,{v},{a}\n" for k, (v, a) in points.items())
    )
    assert [t.quadrant for t in found] == ["Q1", "Q2", "Q3", "Q4"]
    assert {t.id: (t.valence, t.arousal) for t in found} == points


def test_takes_one_value_or_classes_of_any_name_without_quadrants(labelled):
    (found,) = labelled("path,arousal\na.mp3,0.5\n")
    assert found == Track("a", "", "a.mp3", arousal=0.5)
    (found,) = labelled("path,label\na.mp3,Slow Waltz\n")
    assert found == Track("a", "", "a.mp3", label="Slow Waltz")


def test_prefers_the_labelled_quadrant(labelled):
    (found,) = labelled("path,quadrant,valence,arousal\na.mp3,Q2,0.9,\n")
    assert (found.quadrant, found.valence, found.arousal) == ("Q2", 0.9, None)


@pytest.mark.parametrize(
    "path", ["../a.mp3", "a/../../b.mp3", "/a.mp3", "", ".", "a\rb.mp3", "a\0.mp3"]
)
def test_refuses_paths_that_leave_it(labelled, path):
    with pytest.raises(MerError, match=r"line \d: path must name a file below labels\.csv's"):
        labelled(f'path,quadrant\n"{path}",Q1\n')


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file,quadrant\na.mp3,Q1\n", "labels.csv must have a column 'path'.*write one with"),
        (
            "path,mood\na.mp3,1\n",
            r"labels.csv must have a column of labels \(quadrant, valence, arousal, label\), not only",
        ),
        (
            "path,quadrant\na.mp3,Q1\nb.mp3,Q5\n",
            "line 3: quadrant must be one of Q1, Q2, Q3, Q4, not 'Q5'",
        ),
        ("path,quadrant\na.mp3,Q1\na.wav,Q1\n", "line 3: the clip 'a' must have one row .* line 2"),
        (
            "path,quadrant\na.mp3,Q1\n./a.mp3,Q1\n",
            "line 3: the clip 'a' must have one row .* line 2",
        ),
        (
            "path,valence,arousal\na.mp3,nan,1\n",
            "line 2: valence must be a finite number, not 'nan'",
        ),
        (
            "path,valence,arousal\na.mp3,3_5,1\n",
            "line 2: valence must be a finite number, not '3_5'",
        ),
        ("path,valence,arousal\na.mp3,1,\n", "line 2: arousal must be a finite number, not ''"),
        (
            "path,quadrant,valence\na.mp3,Q1,high\n",
            "line 2: valence must be a finite number, not 'high'",
        ),
        ("path,valence,arousal\na.mp3,1,1\nb.mp3,1,1\n", r"labels\.csv: .* two different points"),
        ("path,label\na.mp3,waltz\nb.mp3,\n", "line 3: label must name a class, not be empty"),
        (
            "path,quadrant,split\na.mp3,Q1,dev\n",
            "line 2: split must be one of train, val, test, not 'dev'",
        ),
        (
            "path,quadrant,fold\na.mp3,Q1,\n",
            "line 2: fold must name the fold that tests the song",
        ),
        (
            "path,quadrant,split\na.mp3,Q1,\n",
            "line 2: split must be one of train, val, test, not ''",
        ),
        (
            "path,quadrant,Artist\na.mp3,Q1,Abba\n",
            r"labels.csv must have the column 'artist' spelled so, not 'Artist'; rename it",
        ),
        ("path,QUADRANT\na.mp3,Q1\n", "the column 'quadrant' spelled so, not 'QUADRANT'"),
        ("path,quadrant,\u200bFold\na.mp3,Q1,1\n", "the column 'fold' spelled so, not '.*Fold'"),
        (
            "path,quadrant,source\na.mp3,Q1,x\nb.mp3,Q1,\n",
            "line 3: source must name the corpus of the song, as in other rows, not be empty; fill",
        ),
    ],
)
def test_refuses(labelled, text, match):
    with pytest.raises(MerError, match=match):
        labelled(text)


def test_reads_emopia(real_data):
    found = folder.tracks(real_data / "emopia200")
    assert len(found) == 200
    assert len({t.group for t in found}) == 150
    assert Counter(t.quadrant for t in found) == dict.fromkeys(QUADRANTS, 50)
    assert all(
        (real_data / "emopia200" / t.path).is_file() and t.path[1] == t.quadrant[1] for t in found
    )
