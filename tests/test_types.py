"""The types that the stages exchange."""

from dataclasses import replace

from mer.types import Track, names_artists, part_ids

SONG = Track("song", "Q1")


def test_a_song_is_no_artist_of_its_own_segments():
    parts = [replace(SONG, id=id_, artist=SONG.id) for id_ in part_ids(SONG.id, 4)]
    assert not names_artists(parts)
    assert not names_artists([SONG])
    assert names_artists([*parts, Track("other", "Q2", artist="Somebody")])
