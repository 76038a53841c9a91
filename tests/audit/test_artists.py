"""Artists, and the test clips whose artist is in training."""

import shutil

from mer.audit import artists
from mer.datasets import qaed
from mer.splits import split
from mer.types import Fold, Track

TRACKS = [
    Track("a", "Q1", artist="one"),
    Track("b", "Q2", artist="one"),
    Track("c", "Q1", artist="two"),
    Track("d", "Q1", artist="two"),
    Track("e", "Q3", artist="three"),
    Track("f", "Q4"),
]
LABELS = {track.id: track.quadrant for track in TRACKS}


def test_counts():
    found = artists.count(TRACKS, LABELS)
    assert found == artists.Artists(
        named=3, repeated=2, clips_of_repeated=4, in_several_classes=1, clips_without=1
    )


def test_overlap_is_over_the_test_clips_of_all_folds():
    folds = [Fold(0, 0, ("b", "c"), (), ("a", "e")), Fold(0, 1, ("a",), ("d",), ("c", "f"))]
    assert artists.overlap(TRACKS, folds) == 2 / 4
    assert artists.overlap(TRACKS, folds[:1]) == 1 / 2
    assert artists.overlap(TRACKS, [Fold(0, 0, ("f",), (), ("a", "b"))]) == 0


def test_the_real_artists_of_4qaed(real_data, tmp_path):
    for name in (qaed.ANNOTATIONS, qaed.METADATA):
        shutil.copyfile(real_data / "4qaed_tables" / name, tmp_path / name)
    tracks = qaed.tracks(tmp_path)
    found = artists.count(tracks, {track.id: track.quadrant for track in tracks})
    assert found == artists.Artists(661, 129, 365, 28, 3)
    folds = split(tracks, "cv10x10", seed=1)
    assert len(folds) == 100
    assert round(artists.overlap(tracks, folds), 3) == 0.389
    assert artists.overlap(tracks, split(tracks, "grouped", seed=1, repeats=1)) == 0
