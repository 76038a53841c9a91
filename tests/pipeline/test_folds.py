"""mer.pipeline.folds: clips in quarantine are left out, and move no other clip to another side."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from conftest import profile_of
from mer.errors import AbsentError
from mer.io import artefacts, fold_tables
from mer.io.files import read_json
from mer.io.folds import read_folds
from mer.io.standard import write_quarantine
from mer.io.tracks import write_tracks
from mer.pipeline import folds
from mer.splits import split
from mer.types import QUADRANTS, Fold, Track

SONGS = [Track(f"s{i:03d}", QUADRANTS[i // 10]) for i in range(40)]
PROFILE = profile_of()


@pytest.fixture
def made(tmp_path):
    """A function that writes the folds of the songs and returns those of a protocol."""
    index, standard = tmp_path / "index/songs", tmp_path / "standard/songs"
    index.mkdir(parents=True)
    standard.mkdir(parents=True)

    def make(
        protocol: str,
        digests: dict[str, str],
        left_out: dict[str, str],
        songs: Sequence[Track] = SONGS,
    ) -> list[Fold]:
        write_tracks(index / "tracks.csv", songs, digests)
        artefacts.write_manifest(standard)
        rows = [(id_, f"{id_}.mp3", reason) for id_, reason in left_out.items()]
        write_quarantine(standard, rows)
        facts = {"profile": PROFILE, "profile_key": "laptop"}
        folds.make(index, standard, tmp_path / "folds", own="cv10", **facts, seed=1)
        return read_folds(tmp_path / "folds" / protocol / "songs.json")

    return make


FILES = {track.id: track.id for track in SONGS}


def test_a_duplicate_does_not_shift_the_authors_split(made):
    """A split of range(n) would otherwise put every later song on another side."""
    twins = {**FILES, "s003": "s002"}
    (fold,) = made("song_80_20", twins, {"s003": "same content as 's002'"})
    train, test = train_test_split(range(40), test_size=0.2, random_state=42)
    assert set(fold.test) == {f"s{i:03d}" for i in test} - {"s003"}
    assert set(fold.train) == {f"s{i:03d}" for i in train} - {"s003"}


@pytest.mark.parametrize("protocol", ["cv10", "grouped"])
def test_an_unreadable_file_moves_no_other_clip(made, protocol):
    found = made(protocol, FILES, {"s000": "damaged"})
    whole = split(SONGS, protocol, seed=1)
    for fold, published in zip(found, whole, strict=True):
        assert set(fold.test) == set(published.test) - {"s000"}
        assert set(fold.train) == set(published.train) - {"s000"}


def test_a_duplicate_that_is_left_out_moves_no_other_clip(made):
    found = made("grouped", {**FILES, "s025": "s003"}, {"s025": "same content as 's003'"})
    for fold, whole in zip(found, split(SONGS, "grouped", seed=1), strict=True):
        assert set(fold.test) == set(whole.test) - {"s025"}


def test_songs_without_a_file_are_not_split(made):
    some = {id_: digest for id_, digest in FILES.items() if id_[-1] in "0123"}
    left_out = dict.fromkeys(FILES.keys() - some.keys(), "no such file")
    (fold,) = made("song_80_20", some, left_out)
    assert (len(fold.train), len(fold.test)) == (12, 4)


def test_duplicates_in_two_members_of_a_merged_corpus_are_on_one_side_of_a_grouped_fold(made):
    members = [
        replace(track, id=f"{source}/{track.id}", source=source)
        for source in ("one", "two")
        for track in SONGS
    ]
    digests = {track.id: track.id for track in members} | {"two/s007": "one/s003"}
    for fold in made("grouped", digests, {}, members):
        assert not ("one/s003" in fold.train and "two/s007" in fold.test)
        assert not ("two/s007" in fold.train and "one/s003" in fold.test)


def test_duplicates_that_are_kept_are_on_one_side_of_a_grouped_fold(made):
    twins = {id_: f"file {i // 2}" for i, id_ in enumerate(FILES)}
    for fold in made("grouped", twins, {}):
        assert not {twins[id_] for id_ in fold.train} & {twins[id_] for id_ in fold.test}


@pytest.mark.parametrize(("left_out", "together"), [({}, True), ({"s001": "same content"}, False)])
def test_a_duplicate_that_is_kept_joins_the_artists_that_it_is_labelled_with(
    made, left_out, together
):
    """s000 and s001 are one recording, by X and by Y; the other songs of both are with it."""
    artists = {0: "X", 1: "Y", 2: "Y", 11: "Y", 12: "X"}
    songs = [replace(s, artist=artists.get(i, f"band {i}")) for i, s in enumerate(SONGS)]
    found = made("grouped", {**FILES, "s001": "s000"}, left_out, songs)
    sides = [{id_ in fold.test for id_ in ("s000", "s002", "s011", "s012")} for fold in found]
    assert all(len(side) == 1 for side in sides) is together


def test_a_duplicate_joins_its_artists_in_every_spelling(made):
    """s000 and s001 are one recording, by queen and by Abba; s012 is by Queen."""
    artists = {0: "queen", 1: "Abba", 12: "Queen", 21: "ABBA"}
    songs = [replace(s, artist=artists.get(i, f"band {i}")) for i, s in enumerate(SONGS)]
    found = made("grouped", {**FILES, "s001": "s000"}, {}, songs)
    sides = [{id_ in fold.test for id_ in ("s000", "s001", "s012", "s021")} for fold in found]
    assert all(len(side) == 1 for side in sides)


@pytest.mark.parametrize(
    ("bands", "protocol", "shares"),
    [(12, "cv10", True), (12, "grouped", False), (0, "cv10", None), (0, "grouped", None)],
)
def test_folds_say_whether_they_share_artists_if_the_corpus_names_any(
    made, tmp_path, bands, protocol, shares
):
    songs = (
        [replace(s, artist=f"band {i % bands}") for i, s in enumerate(SONGS)] if bands else SONGS
    )
    made(protocol, FILES, {}, songs)
    assert read_json(tmp_path / "folds" / protocol / "songs.json")["shares_artists"] is shares


def test_copies_of_a_file_on_both_sides_count_as_a_shared_artist_without_names(made, tmp_path):
    made("cv10", {id_: f"file {i // 2}" for i, id_ in enumerate(FILES)}, {})
    assert read_json(tmp_path / "folds/cv10/songs.json")["shares_artists"] is True


def test_own_folds_are_those_of_the_table_without_clips_in_quarantine(made, tmp_path):
    table = split(SONGS, "leave_one_artist_out", seed=1)
    made("cv10", FILES, {})
    fold_tables.write(tmp_path / "index/songs/folds.csv", table)
    found = made("own", FILES, {"s001": "damaged"})
    assert [fold.test for fold in found] == [(t.id,) for t in SONGS if t.id != "s001"]
    assert not any("s001" in fold.train for fold in found)


def test_folds_without_a_usable_test_clip_are_absent(made, tmp_path):
    made("cv10", FILES, {})
    others = tuple(id_ for id_ in FILES if id_ != "s001")
    fold_tables.write(tmp_path / "index/songs/folds.csv", [Fold(0, 0, others, (), ("s001",))])
    with pytest.raises(AbsentError, match="'own': a fold must have a usable test clip, and all"):
        made("own", FILES, {"s001": "silent"})


def test_own_folds_of_a_corpus_without_any_are_absent(made):
    with pytest.raises(
        AbsentError, match="the labels of the corpus must have a split of that name"
    ):
        made("own", FILES, {})


def test_repeats_that_test_the_same_clips_again_are_told(made, caplog):
    """Ten artists with few clips each fit into ten folds in one way, whatever the seed."""
    songs = [replace(s, artist=f"band {(i * i + i // 7) % 10}") for i, s in enumerate(SONGS)]
    assert len({fold.test for fold in made("grouped", FILES, {}, songs)}) == 10
    assert caplog.messages == [
        "protocol 'grouped': the 100 folds of 10 repeats have only 10 different test parts, and a paired "
        "test takes copies for new folds; take fewer repeats, as with `-S profiles.laptop.repeats=1`, or "
        "name more artists"
    ]
    made("grouped", FILES, {})
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("artists", [10, 12, 20, 40])
def test_the_advised_number_of_repeats_has_no_warning(caplog, artists):
    drawn = np.random.default_rng(artists).integers(artists, size=200)
    songs = [Track(f"s{i:03d}", QUADRANTS[i % 4], artist=f"{a}") for i, a in enumerate(drawn)]
    every = split(songs, "grouped", seed=1, folds=5, repeats=10)
    folds.warn_of_copies(every, "n=")
    if caplog.messages:
        advised = int(re.search(r"`n=(\d+)`", caplog.messages.pop())[1])
        caplog.clear()
        folds.warn_of_copies([fold for fold in every if fold.repeat < advised], "n=")
        assert advised == 1 or not caplog.messages
        longer = [fold for fold in every if fold.repeat <= advised]
        folds.warn_of_copies(longer, "n=")
        assert caplog.messages or advised == 10


def test_advice_about_the_number_of_folds_names_the_profile_that_is_selected(made):
    with pytest.raises(
        AbsentError, match=r"take 9 folds .* as with `-S profiles\.laptop\.folds=9`"
    ):
        made("cv10x10", FILES, {}, SONGS[1:])
