from collections import Counter

import pytest

from helpers.corpora import eight_songs
from mer.datasets import emotify
from mer.errors import MerError
from mer.io.tracks import read_tracks
from mer.pipeline import index
from mer.pipeline.demo.writers import emotify as emotify_writer

HEAD = "track id, genre, " + ", ".join(emotify.EMOTIONS)


def rated(root, *rows):
    """A corpus with the rows: track id, genre, and the emotions that a listener marked."""
    lines = [
        f"{song},{genre}," + ",".join(str(int(e in marked)) for e in emotify.EMOTIONS)
        for song, genre, marked in rows
    ]
    (root / "data.csv").write_text("\n".join([HEAD, *lines]))
    return root


def test_the_label_is_the_emotion_that_most_marked(tmp_path):
    rows = [(1, "classical", ("sadness", "power"))] * 2 + [
        (1, "classical", ("power",)),
        (1, "classical", ()),
    ]
    (track,) = emotify.tracks(rated(tmp_path, *rows))
    assert (track.id, track.label, track.quadrant) == ("classical/1", "power", "")
    assert track.spread == {**dict.fromkeys(emotify.EMOTIONS, 0.0), "power": 0.75, "sadness": 0.5}


def test_of_equals_the_first_in_the_order_of_the_columns(tmp_path):
    (track,) = emotify.tracks(rated(tmp_path, (7, "classical", ("tension", "calmness"))))
    assert track.label == "calmness"


@pytest.mark.parametrize(
    ("song", "genre", "id_"),
    [(100, "classical", "classical/100"), (101, "rock", "rock/1"), (400, "pop", "pop/100")],
)
def test_files_are_numbered_within_their_genre(tmp_path, song, genre, id_):
    (track,) = emotify.tracks(rated(tmp_path, (song, genre, ("power",))))
    assert (track.id, track.path) == (id_, None)
    (tmp_path / "emotifymusic").mkdir()
    assert emotify.tracks(tmp_path)[0].path == f"emotifymusic/{id_}.mp3"


def test_the_index_keeps_labels_and_spread(tmp_path):
    emotify_writer.write(tmp_path / "raw", eight_songs())
    index.build(tmp_path / "raw", tmp_path / "index", "emotify", 8, None)
    found = read_tracks(tmp_path / "index")
    assert found == emotify.tracks(tmp_path / "raw")
    assert Counter(t.label for t in found) == dict.fromkeys(emotify_writer.MARKED.values(), 2)
    assert {t.spread[t.label] for t in found} == {1.0}


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("1,jazz,0,0,0,0,0,0,0,0,0", "genre must be one of classical, rock, electronic, pop"),
        ("x,pop,0,0,0,0,0,0,0,0,0", "track id must be a whole number, not 'x'"),
        ("301,pop,0,0,0,0,0,0,0,0,2", "sadness must be one of 0, 1, not '2'"),
        (
            "101,classical,0,0,0,0,0,0,0,0,1",
            r"line 2: track id must lie in 1\.\.100 .*, not 101",
        ),
        ("0,pop,0,0,0,0,0,0,0,0,1", r"track id must lie in 301\.\.400 for the genre pop, not 0"),
    ],
)
def test_refuses(tmp_path, line, match):
    (tmp_path / "data.csv").write_text(f"{HEAD}\n{line}\n")
    with pytest.raises(MerError, match=match):
        emotify.tracks(tmp_path)
