"""A synthetic corpus as the layout ``pmemo`` reads it."""

from collections.abc import Sequence
from pathlib import Path

from mer import labels
from mer.datasets.pmemo import ANNOTATIONS, AROUSAL, METADATA_COLUMNS, VALENCE
from mer.pipeline.demo.writers import _archives
from mer.types import Clip, Track


def _place(track: Track) -> tuple[float, float]:
    """Valence and arousal in 0..1: the track's own, in -1..1, or the middle of its quadrant."""
    signs = [1 if track.quadrant in labels.HIGH[axis] else -1 for axis in ("valence", "arousal")]
    own = (track.valence, track.arousal)
    return tuple(0.5 + (s / 2 if v is None else v) / 2 for s, v in zip(signs, own))  # type: ignore[return-value]


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout."""
    named = sorted((_archives.number(track.id, 6), track, clip) for track, clip in songs)
    metadata = [
        (n, f"{n}.mp3", t.id, t.artist or "", "", round(clip.seconds, 2), "", "")
        for n, t, clip in named
    ]
    points = [(n, *reversed(_place(t))) for n, t, _ in named]
    tables: dict[str, list[Sequence[object]]] = {
        "PMEmo2019/metadata.csv": [METADATA_COLUMNS, *metadata],
        f"PMEmo2019/{ANNOTATIONS}": [("musicId", AROUSAL, VALENCE), *points],
    }
    _archives.write(root, tables, {f"PMEmo2019/chorus/{n}.mp3": clip for n, _, clip in named})
