"""Clips of one recording in a corpus."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mer.io.standard import read_twins
from mer.types import Track, groups


def with_one_artist(
    tracks: Sequence[Track], digests: Mapping[str, str], standard: Path, left_out: Collection[str]
) -> list[Track]:
    """The tracks; those with the same file or the same samples get one artist, so that ``grouped`` keeps
    them on one side. If they had several, all clips of these artists get it.

    Parameters
    ----------
    digests : mapping of str to str
        Track id -> digest of its file, see ``read_digests``.
    standard : Path
        ``data/standard/<dataset>``.
    left_out : collection of str
        Clips in quarantine. They keep their own artist: such a clip, as a dropped duplicate, is in no fold.
    """
    twins = read_twins(standard)
    recordings = [
        None if track.id in left_out else digests.get(twins.get(track.id, track.id))
        for track in tracks
    ]
    counts, own_group = Counter(recordings), groups(tracks)
    artists: dict[str, str] = {}  # recording with several clips -> their artist
    merged: dict[str, str] = {}  # artist -> the artist that stands for it

    def artist_of(name: str) -> str:
        return artist_of(merged[name]) if name in merged else name

    def own(track: Track) -> str:
        return own_group[track.id].removeprefix("artist:")

    for track, recording in zip(tracks, recordings, strict=True):
        if recording and counts[recording] > 1:
            name = artist_of(own(track))
            first = artist_of(artists.setdefault(recording, name))
            if name != first:
                merged[name] = first
    found = []
    for track, recording in zip(tracks, recordings, strict=True):
        if recording in artists:
            track = replace(track, artist=artist_of(artists[recording]))
        elif track.artist and own(track) in merged:
            track = replace(track, artist=artist_of(own(track)))
        found.append(track)
    return found
