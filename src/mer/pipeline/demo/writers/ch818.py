"""A synthetic corpus as the layout ``ch818`` reads it."""

from collections.abc import Sequence
from pathlib import Path

from mer.datasets.ch818 import FOLDER, SHEET
from mer.pipeline.demo.writers import _archives
from mer.types import Clip, Track


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout; artists are lost."""
    labels = [("File", "Quads"), *sorted((f"{t.id}.mp3", t.quadrant) for t, _ in songs)]
    audio = {f"{FOLDER}/{track.id}.mp3": clip for track, clip in songs}
    _archives.write(root, {f"{FOLDER}/{SHEET}": labels}, audio)
