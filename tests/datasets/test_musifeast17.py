import shutil

import pytest

from helpers.corpora import eight_songs
from mer.datasets import musifeast17
from mer.errors import MerError
from mer.pipeline.demo.writers import musifeast17 as musifeast17_writer

TABLE = f"data/{musifeast17.TABLE}"


@pytest.fixture
def mini(tmp_path):
    musifeast17_writer.write(tmp_path, eight_songs())
    return tmp_path


def edit(root, change):
    rows = (root / TABLE).read_text().splitlines()
    (root / TABLE).write_text("\n".join(change(rows)) + "\n")


def test_values_are_of_the_row_of_their_clip(mini):
    line = "9,Jazz_HIGH_01,Jazz,Someone,4.5,0.7,1.25,0.9"
    edit(mini, lambda rows: [rows[0], line, *rows[1:]])
    found = next(track for track in musifeast17.tracks(mini) if track.id == "Jazz_HIGH_01")
    assert (found.valence, found.arousal, found.quadrant) == (4.5, 1.25, "Q4")
    assert found.artist == "Someone"
    assert found.spread == {"valence": 0.7, "arousal": 0.9}
    assert found.path == "stimuli/Jazz_HIGH_01.mp3"


def test_the_table_is_read_without_the_audio_and_in_a_folder(mini):
    before = musifeast17.tracks(mini)
    assert all((mini / track.path).is_file() for track in before)
    shutil.move(mini / "stimuli", mini / "repository/stimuli")
    found = musifeast17.tracks(mini)
    assert all((mini / track.path).is_file() for track in found)
    shutil.rmtree(mini / "repository")
    assert {track.path for track in musifeast17.tracks(mini)} == {None}


def test_quadrants_follow_from_the_thresholds(mini):
    valence, arousal = musifeast17.thresholds(mini)
    found = {
        t.quadrant: (t.valence > valence, t.arousal > arousal) for t in musifeast17.tracks(mini)
    }
    assert found == {
        "Q1": (True, True),
        "Q2": (False, True),
        "Q3": (False, False),
        "Q4": (True, False),
    }


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda rows: rows[:1], "must have at least one row; put the folders data and stimuli"),
        (lambda rows: [*rows, "9,a,Jazz,b,5.5,1,1,1"], r"valence_M must lie in 1\.\.5, not 5\.5"),
        (lambda rows: [*rows, "9,,Jazz,b,2,1,1,1"], "CLIP_NAME must name a clip, not be empty"),
        (lambda rows: [*rows, rows[-1]], "must have one row"),
        (lambda rows: [r.replace("arousal_M", "arousal") for r in rows], "arousal_M"),
    ],
)
def test_refuses(mini, change, match):
    edit(mini, change)
    with pytest.raises(MerError, match=match):
        musifeast17.tracks(mini)
