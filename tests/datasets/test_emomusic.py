import shutil

import pytest

from helpers.corpora import eight_songs
from mer.datasets import emomusic
from mer.errors import MerError
from mer.pipeline.demo.writers import emomusic as emomusic_writer
from mer.splits import split

ANNOTATIONS, INFO = (f"annotations/{name}" for name in (emomusic.ANNOTATIONS, emomusic.INFO))


@pytest.fixture
def mini(tmp_path):
    emomusic_writer.write(tmp_path, eight_songs())
    return tmp_path


def test_values_are_of_the_row_of_their_song(mini):
    first = emomusic.tracks(mini)[0]
    text = (mini / ANNOTATIONS).read_text().splitlines()
    rows = [f"{first.id},2.0,1.1,8.0,1.3" if r.startswith(f"{first.id},") else r for r in text]
    (mini / ANNOTATIONS).write_text("\n".join(rows))
    found = emomusic.tracks(mini)[0]
    assert (found.arousal, found.valence, found.quadrant) == (2.0, 8.0, "Q4")
    assert found.spread == {"valence": 1.3, "arousal": 1.1}


def test_own_split_is_that_of_2013(mini):
    rows = [line.split(",") for line in (mini / INFO).read_text().splitlines()[1:]]
    (fold,) = split(emomusic.tracks(mini), "own", seed=1)
    assert {*fold.test} == {row[0] for row in rows if row[-1] == "evaluation"}
    assert {*fold.train} == {row[0] for row in rows if row[-1] == "development"}


def test_tables_and_audio_may_be_apart(mini):
    before = emomusic.tracks(mini)
    shutil.move(mini / "annotations/songs_info.csv", mini / "songs_info.csv")
    (mini / "audio").mkdir()
    shutil.move(mini / "clips_45seconds", mini / "audio/clips_45seconds")
    found = emomusic.tracks(mini)
    assert [t.quadrant for t in found] == [t.quadrant for t in before]
    assert all((mini / t.path).is_file() for t in found)
    shutil.rmtree(mini / "audio")
    assert {t.path for t in emomusic.tracks(mini)} == {None}


@pytest.mark.parametrize(
    ("file", "edit", "match"),
    [
        (ANNOTATIONS, lambda rows: rows[:-1], r"songs_info\.csv must have the songs of .* has a row for"),
        (INFO, lambda rows: rows[:-1], rf"/{INFO} must have the songs of .* has no row for"),
        (INFO, lambda rows: [r.replace("evaluation", "test") for r in rows], "2013 set must be one of dev"),
        (ANNOTATIONS, lambda rows: [*rows, "999,1.3,1,0.4,1"], r"must lie in 1\.\.9, not 0\.4"),
        (ANNOTATIONS, lambda rows: rows[:1], "must have at least one row; unpack"),
    ],
)  # fmt: skip
def test_refuses(mini, file, edit, match):
    rows = (mini / file).read_text().splitlines()
    (mini / file).write_text("\n".join(edit(rows)) + "\n")
    with pytest.raises(MerError, match=match):
        emomusic.tracks(mini)
