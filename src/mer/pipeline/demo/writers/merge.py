"""A synthetic corpus as the layout ``merge`` reads it."""

from collections.abc import Sequence
from pathlib import Path

from mer.datasets.merge import COLUMNS, PROTOCOLS, SIDES, Release
from mer.pipeline.demo.writers import _archives
from mer.types import Clip, Track

DEMO_SIDES = {
    PROTOCOLS[0]: ("train", "test", "validate", "train"),
    PROTOCOLS[1]: ("test", "train", "train", "validate"),
}


def _point(track: Track) -> tuple[float, float]:
    """Arousal and valence in 0..1, from -1..1."""
    return tuple(0.5 + (value or 0.0) / 2 for value in (track.arousal, track.valence))  # type: ignore[return-value]


def _lists(release: Release, songs: Sequence[tuple[str, str]]) -> dict[str, list[Sequence[object]]]:
    """Split lists of (song, quadrant), drawn round-robin over the songs by quadrant."""
    order = sorted(songs, key=lambda item: item[::-1])
    return {
        str(release.split(protocol, side)): [
            ("Song", "Quadrant"),
            *(item for i, item in enumerate(order) if sides[i % len(sides)] == side),
        ]
        for protocol, sides in DEMO_SIDES.items()
        for side in SIDES
    }


def write(root: Path, songs: Sequence[tuple[Track, Clip]], release: str = "audio_complete") -> None:
    """Write a corpus in this layout, with made-up lists.

    Parameters
    ----------
    release : str
        One of the four names.
    """
    written = Release(Path("MERGE_" + release.title()), release)
    named = sorted((_archives.allmusic_song(track.id), track, clip) for track, clip in songs)
    bimodal = release.startswith("bimodal")
    head = ("Audio_Song", "Lyric_Song") if bimodal else ("Song",)
    keys = {song: (song, f"L{song}") if bimodal else (song,) for song, _, _ in named}
    blank = [""] * (len(COLUMNS) - 6)
    metadata = [(*keys[s], t.quadrant, "", "", t.artist or "", t.id, *blank) for s, t, _ in named]
    points = [(*keys[s], *_point(t)) for s, t, _ in named]
    tables: dict[str, list[Sequence[object]]] = {
        str(written.table("metadata")): [(*head, *COLUMNS[1:]), *metadata],
        str(written.table("av_values")): [(*head, "Arousal", "Valence"), *points],
        **_lists(written, [(s, t.quadrant) for s, t, _ in named]),
    }
    audio = {str(written.audio / t.quadrant / f"{s}.mp3"): clip for s, t, clip in named}
    _archives.write(root, tables, audio)
