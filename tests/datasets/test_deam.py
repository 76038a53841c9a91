import shutil

import pytest

from helpers.corpora import eight_songs
from mer.datasets import deam
from mer.errors import MerError
from mer.pipeline.demo.writers import deam as deam_writer
from mer.splits import split

SONGS = deam_writer.FOLDER
FIRST, LAST = (f"{SONGS}/{name}" for name in deam.ANNOTATIONS)


@pytest.fixture
def mini(tmp_path):
    deam_writer.write(tmp_path, eight_songs())
    return tmp_path


def test_values_are_of_the_row_of_their_song(mini):
    (mini / FIRST).write_text(
        "song_id, valence_mean, valence_std, arousal_mean, arousal_std\n"
        "2,3.1,1.2,3,1.4\n745,7.5,1.2,6.9,1.4\n"
    )
    tracks = [t for t in deam.tracks(mini) if int(t.id) < 1000]
    found = {t.id: (t.valence, t.arousal, t.quadrant) for t in tracks}
    assert found == {"2": (3.1, 3.0, "Q3"), "745": (7.5, 6.9, "Q1")}
    assert [t.spread for t in tracks] == [{"valence": 1.2, "arousal": 1.4}] * 2


def test_artists_of_ragged_metadata(mini):
    known = sorted(str(track.artist) for track, _ in eight_songs())
    assert sorted(str(track.artist) for track in deam.tracks(mini)) == known
    rows = (mini / "metadata/metadata_2014.csv").read_text().splitlines()
    assert len({row.count(",") for row in rows}) > 1


def test_artists_are_cleaned(mini):
    song = next(t.id for t in deam.tracks(mini) if int(t.id) < 1000)
    text = f'song_id,file_name,Artist,Song title\n{song},a.mp3,"\tThe  ""Band""\t",x\n'
    (mini / "metadata/metadata_2013.csv").write_text(text)
    assert {t.artist for t in deam.tracks(mini) if t.id == song} == {"The Band"}


def test_own_split_is_that_of_2014(mini):
    (fold,) = split(deam.tracks(mini), "own", seed=1)
    assert {int(i) // 1000 for i in fold.train} == {0}
    assert {int(i) // 1000 for i in fold.test} == {1}
    assert len(fold.train + fold.test) == 6


@pytest.mark.parametrize(
    ("folder", "lacking", "there"),
    [("metadata", "artist", "path"), ("MEMD_audio", "path", "artist")],
)
def test_metadata_and_audio_may_be_missing(mini, folder, lacking, there):
    shutil.rmtree(mini / folder)
    found = deam.tracks(mini)
    assert len(found) == 8
    assert {getattr(track, lacking) for track in found} == {None}
    assert {getattr(track, there) for track in found} != {None}


def test_may_lie_deeper_and_have_underscores(mini, tmp_path):
    before = deam.tracks(mini)
    (mini / "annotations").rename(mini / "x")
    (mini / "annotations").mkdir()
    (mini / "x").rename(mini / "annotations/annotations")
    spaced = mini / "annotations/annotations/annotations averaged per song"
    spaced.rename(spaced.with_name(spaced.name.replace(" ", "_")))
    (mini / "metadata").rename(mini / "y")
    (mini / "metadata").mkdir()
    (mini / "y").rename(mini / "metadata/metadata")
    assert deam.tracks(mini) == before


@pytest.mark.parametrize(
    ("file", "edit", "match"),
    [
        (FIRST, lambda rows: [*rows, rows[-1]], "must have one row and already has one"),
        (FIRST, lambda rows: [*rows, "x,5,1,5,1"], "song_id must be a whole number, not 'x'"),
        (LAST, lambda rows: [*rows, "2058,0.5,1,5,1"], r"valence_mean must lie in 1\.\.9, not 0\.5"),
        (LAST, lambda rows: [*rows, "2058,5,1,,1"], "arousal_mean must be a finite number"),
        (LAST, lambda rows: [r.replace("arousal_mean", "arousal") for r in rows], "column 'arousal_mean'"),
        ("metadata/metadata_2015.csv", lambda rows: ["id,title", *rows[1:]], "column 'Artist'"),
    ],
)  # fmt: skip
def test_refuses(mini, file, edit, match):
    rows = (mini / file).read_text().splitlines()
    (mini / file).write_text("\n".join(edit(rows)) + "\n")
    with pytest.raises(MerError, match=match):
        deam.tracks(mini)


def test_both_tables_are_needed(mini):
    (mini / LAST).unlink()
    with pytest.raises(MerError, match=r"must hold one file .*2000_2058\.csv"):
        deam.tracks(mini)
