"""The tracks of a corpus whose audio is there, with one artist for all clips of a recording."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mer.io.standard import quarantined, read_twins
from mer.io.tracks import read_digests, read_tracks
from mer.types import Track, groups


def tracks_with_audio(index: Path, standard: Path) -> list[Track]:
    """The tracks that have a file; all tracks where the corpus has no audio.

    Clips with the same file or the same samples get one artist, so that ``grouped`` keeps them on one side.
    A clip in quarantine, such as a duplicate that was dropped, keeps its own artist: it is in no fold.

    Parameters
    ----------
    index, standard : Path
        ``data/index/<dataset>``, ``data/standard/<dataset>``.
    """
    digests = read_digests(index)
    tracks = [track for track in read_tracks(index) if not digests or track.id in digests]
    left_out = set(quarantined(standard)["id"])
    return _one_artist_per_recording(tracks, digests, read_twins(standard), left_out)


def _one_artist_per_recording(
    tracks: Sequence[Track],
    digests: Mapping[str, str],
    twins: Mapping[str, str],
    left_out: Collection[str],
) -> list[Track]:
    """The tracks; those of one recording get one artist. If they had several, all clips of these get it."""
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
