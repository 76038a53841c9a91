"""A synthetic corpus as the layout ``musifeast17`` reads it."""

from collections.abc import Sequence
from pathlib import Path

from mer.datasets.musifeast17 import ARTIST, AUDIO, CLIP, RATINGS, TABLE
from mer.pipeline.demo.writers import _archives
from mer.types import Clip, Track

MEANS = (RATINGS.valence, RATINGS.spread["valence"], RATINGS.arousal, RATINGS.spread["arousal"])
COLUMNS = ("", CLIP, "GENRE", ARTIST, *MEANS)


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout."""
    rows: list[Sequence[object]] = [COLUMNS]
    audio = {}
    for number, (track, clip) in enumerate(songs, start=1):
        name = f"Demo_LOW_{number:02d}"
        valence, arousal = _archives.in_scale(track, *RATINGS.scale)
        rows.append((number, name, "Demo", track.artist or "", valence, 1.0, arousal, 1.0))
        audio[f"{AUDIO}/{name}.mp3"] = clip
    _archives.write(root, {f"data/{TABLE}": rows}, audio)
