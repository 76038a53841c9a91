"""A synthetic corpus as the layout ``emotify`` reads it."""

from collections.abc import Sequence
from pathlib import Path

from mer.datasets.emotify import AUDIO, EMOTIONS, GENRES, PER_GENRE, RATINGS
from mer.pipeline.demo.writers import _archives
from mer.types import QUADRANTS, Clip, Track

LISTENERS = 5
MARKED = dict(zip(QUADRANTS, ("joyful_activation", "tension", "sadness", "calmness")))
REST = ("mood", "liked", "disliked", "age", "gender", "mother tongue")


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout, with made-up listeners, who mark the emotion of the quadrant."""
    order = sorted(songs, key=lambda song: _archives.number(song[0].id, 7))
    rows: list[Sequence[object]] = [("track id", *(f" {c}" for c in ("genre", *EMOTIONS, *REST)))]
    audio = {}
    for n, (track, clip) in enumerate(order):
        genre, number = n % len(GENRES), n // len(GENRES) + 1
        audio[f"{AUDIO}/{GENRES[genre]}/{number}.mp3"] = clip
        for listener in range(LISTENERS):
            second = EMOTIONS[(n + listener) % len(EMOTIONS)]
            marks = (int(e in (MARKED[track.quadrant], second)) for e in EMOTIONS)
            row = (PER_GENRE * genre + number, GENRES[genre], *marks)
            rows.append((*row, 3, 0, 0, 30, 1, "English"))
    _archives.write(root, {RATINGS: rows}, audio)
