"""What a stage writes is what the next one reads."""

import numpy as np
import pytest

from mer.errors import MerError
from mer.io import artefacts
from mer.io.feature_tables import read_features, write_features
from mer.io.files import read_json
from mer.io.folds import read_folds, write_folds
from mer.io.standard import Standard, quarantined, write_quarantine
from mer.io.tracks import read_digests, read_tracks, write_tracks
from mer.types import FeatureTable, Fold, Track

TRACKS = [
    Track("bare", ""),
    Track(
        "whole",
        "Q2",
        path="a, b/ü.mp3",
        valence=-0.25,
        arousal=1e-3,
        artist="Ü, and Co",
        splits={"own": "val", "cv10": "fold 3"},
        source="member",
        label="waltz",
        spread={"valence": 0.5, "arousal": 0.0},
    ),
]


def test_tracks_are_read_as_they_were_written_by_id(tmp_path):
    write_tracks(tmp_path / "tracks.csv", TRACKS[::-1], {"whole": "digest"})
    assert read_tracks(tmp_path) == TRACKS
    assert read_digests(tmp_path) == {"whole": "digest"}


def test_a_table_of_tracks_that_is_cut_off_is_refused(tmp_path):
    write_tracks(tmp_path / "tracks.csv", TRACKS, {})
    artefacts.write_manifest(tmp_path, n=3)
    with pytest.raises(
        MerError, match=r"must have the 3 rows that manifest\.json states, and has 2"
    ):
        read_tracks(tmp_path)


def test_a_table_is_read_with_its_source_and_the_families_of_its_columns(tmp_path, rng):
    written = FeatureTable(
        ("b", "a"), ("x", "y"), rng.normal(size=(2, 2)), {"version": "2"}, ("one", "two")
    )
    write_features(tmp_path / "table.parquet", written)
    found = read_features(tmp_path / "table.parquet")
    assert (found.ids, found.names) == (written.ids, written.names)
    assert (found.source, found.joined) == (written.source, written.joined)
    np.testing.assert_array_equal(found.values, written.values)


@pytest.mark.parametrize("repeat", [0, 3])
def test_folds_are_read_as_they_were_written(tmp_path, repeat):
    written = [Fold(repeat, 1, ("a", "b"), ("c",), ("d",)), Fold(repeat, 2, ("d",), (), ("a",))]
    path = tmp_path / "folds.json"
    write_folds(path, written, protocol="cv10", shares_artists=None)
    assert read_folds(path) == written
    facts = read_json(path)
    assert (facts["protocol"], facts["shares_artists"]) == ("cv10", None)


def test_clips_of_standard_audio_are_read_back_at_their_level(tmp_path):
    clips = [("007", np.array([1, -2, 3], "i2"), 0.5), ("8", np.array([4, 5], "i2"), 2.0)]
    artefacts.write_manifest(tmp_path, rate=8000, **Standard.write(tmp_path, iter(clips)))
    found = Standard.read(tmp_path)
    assert (found.ids, found.sample_rate, found.lengths.tolist()) == (("007", "8"), 8000, [3, 2])
    assert found.clip(found.ids[0]).samples.tolist() == [0.5, -1.0, 1.5]
    assert found.clip(found.ids[1]).samples.tolist() == [8.0, 10.0]


def test_the_clips_in_quarantine_are_read_by_their_ids(tmp_path):
    artefacts.write_manifest(tmp_path)
    write_quarantine(tmp_path, [("007", "7.mp3", "damaged"), ("8", None, "no file")])
    assert list(quarantined(tmp_path)["id"]) == ["007", "8"]
