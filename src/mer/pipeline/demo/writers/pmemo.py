"""A synthetic corpus as the layout ``pmemo`` reads it."""

from collections.abc import Sequence
from pathlib import Path

from mer.datasets.pmemo import ANNOTATIONS, AROUSAL, METADATA_COLUMNS, VALENCE
from mer.pipeline.demo.writers import _archives
from mer.types import Clip, Track


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout."""
    named = sorted((_archives.number(track.id, 6), track, clip) for track, clip in songs)
    metadata = [
        (n, f"{n}.mp3", t.id, t.artist or "", "", round(clip.seconds, 2), "", "")
        for n, t, clip in named
    ]
    points = [(n, *reversed(_archives.in_scale(t, 0, 1))) for n, t, _ in named]
    tables: dict[str, list[Sequence[object]]] = {
        "PMEmo2019/metadata.csv": [METADATA_COLUMNS, *metadata],
        f"PMEmo2019/{ANNOTATIONS}": [("musicId", AROUSAL, VALENCE), *points],
    }
    _archives.write(root, tables, {f"PMEmo2019/chorus/{n}.mp3": clip for n, _, clip in named})
