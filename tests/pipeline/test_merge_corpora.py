"""A corpus made of others."""

from dataclasses import replace

import pytest

from helpers.corpora import eight_songs
from mer import registry
from mer.datasets import folder
from mer.errors import MerError
from mer.io.tracks import read_tracks, write_tracks
from mer.pipeline import merge_corpora
from mer.pipeline.index import build
from mer.splits import shares_groups, split
from mer.types import QUADRANTS, Track

MEMBERS = {"one": "qaed", "two": "ch818", "three": "tr_music"}


@pytest.fixture
def prepared(tmp_path):
    """Three indexed corpora of eight songs each; returns (raw, index)."""
    raw, index = tmp_path / "raw", tmp_path / "index"
    for member, layout in MEMBERS.items():
        registry.get("pipeline.demo.writers", layout).write(raw / member, eight_songs())
        build(raw / member, index / member, layout, None)
    return raw, index


def test_holds_every_song_of_every_member_with_its_label_audio_and_source(prepared):
    raw, index = prepared
    merge_corpora.make(list(MEMBERS), raw, index, raw / "all")
    found = {t.id: t for t in folder.tracks(raw / "all")}
    expected = {
        f"{member}/{t.id}": (t.quadrant, t.artist, member, (raw / member / t.path).read_bytes())
        for member in MEMBERS
        for t in read_tracks(index / member)
    }
    assert len(expected) == 24
    assert {
        id_: (t.quadrant, t.artist, t.source, (raw / "all" / t.path).read_bytes())
        for id_, t in found.items()
    } == expected


def test_the_index_keeps_the_source(prepared):
    raw, index = prepared
    merge_corpora.make(list(MEMBERS), raw, index, raw / "all")
    build(raw / "all", index / "all", "folder", dict.fromkeys(QUADRANTS, 6))
    assert read_tracks(index / "all") == folder.tracks(raw / "all")
    assert {t.source for t in read_tracks(index / "all")} == set(MEMBERS)
    assert {t.source for t in read_tracks(index / "one")} == {None}


def test_same_members_give_the_same_bytes(prepared):
    raw, index = prepared
    for name in "ab":
        merge_corpora.make(list(MEMBERS), raw, index, raw / name)
    a, b = (
        {p.relative_to(raw / name): p.read_bytes() for p in (raw / name).rglob("*") if p.is_file()}
        for name in "ab"
    )
    assert a == b


def test_a_missing_file_keeps_its_row(prepared):
    raw, index = prepared
    first = read_tracks(index / "two")[0]
    (raw / "two" / first.path).unlink()
    merge_corpora.make(list(MEMBERS), raw, index, raw / "all")
    found = {t.id: t.path for t in folder.tracks(raw / "all")}
    assert len(found) == 24
    assert not (raw / "all" / found[f"two/{first.id}"]).exists()


def test_a_member_without_audio_is_refused_and_nothing_written(prepared, tmp_path):
    raw, index = prepared
    tracks = [Track(t.id, t.quadrant) for t in read_tracks(index / "one")]
    write_tracks(index / "one" / "tracks.csv", tracks, {})
    with pytest.raises(
        MerError, match=r"raw/one must have audio to be merged, and 'MT\d+' has none"
    ):
        merge_corpora.make(list(MEMBERS), raw, index, raw / "all")
    assert not (raw / "all").exists()


@pytest.fixture
def mixed():
    """Two sources of 40 tracks, some artists in both."""
    return [
        Track(f"{s}/{i:02d}", QUADRANTS[i % 4], artist=f"Band {i % 9}" if i % 3 else None, source=s)
        for s in ("a", "b")
        for i in range(40)
    ]


@pytest.mark.parametrize("protocol", ["song_80_20", "cv10", "cv10x10", "tvt_70_15_15"])
def test_folds_of_a_union_are_those_of_its_members(mixed, protocol):
    whole = split(mixed, protocol, seed=1, folds=5)
    for source in ("a", "b"):
        alone = [replace(t, id=t.id[2:], source=None) for t in mixed if t.source == source]
        for fold, member in zip(
            whole, split(alone, protocol, source, seed=1, folds=5), strict=True
        ):
            for side in ("train", "val", "test"):
                found = [i[2:] for i in getattr(fold, side) if i[0] == source]
                assert found == list(getattr(member, side))


def test_grouped_folds_of_a_union_test_what_its_members_test(mixed):
    """An artist of both sources is left out of the training part of the other source."""
    whole = split(mixed, "grouped", seed=1, folds=4, repeats=2)
    assert not shares_groups(mixed, whole)
    assert any(t.group == "artist:Band 1" and t.source == s for t in mixed for s in ("a", "b"))
    alone = [replace(t, id=t.id[2:], source=None) for t in mixed if t.source == "b"]
    for fold, member in zip(
        whole, split(alone, "grouped", seed=1, folds=4, repeats=2), strict=True
    ):
        assert [i[2:] for i in fold.test if i[0] == "b"] == list(member.test)
        assert {i[2:] for i in fold.train if i[0] == "b"} <= set(member.train)
