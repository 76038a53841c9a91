"""A synthetic corpus as the layout ``tr_music`` reads it."""

from collections.abc import Sequence
from pathlib import Path

from mer.datasets.tr_music import EMOTIONS
from mer.pipeline.demo.writers import _archives
from mer.types import Clip, Track


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout; artists are lost."""
    emotion = {q: name for name, q in EMOTIONS.items()}
    audio = {f"tr-music-dataset/{emotion[t.quadrant]}/{t.id}.mp3": clip for t, clip in songs}
    _archives.write(root, {}, audio)
