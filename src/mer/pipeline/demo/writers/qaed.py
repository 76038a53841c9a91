"""A synthetic corpus as the layout ``qaed`` reads it."""

import csv
from collections.abc import Sequence
from pathlib import Path

import soundfile as sf

from mer import seeds
from mer.datasets.qaed import (
    ANNOTATIONS,
    AUDIO,
    FEATURES,
    METADATA,
    METADATA_COLUMNS,
    TABLES,
    published_names,
)
from mer.io.files import write_csv
from mer.pipeline.demo.writers import _archives
from mer.types import Clip, Track


def _features(song: str, quadrant: str, n: int) -> list[float]:
    """Made-up features: a centre per quadrant and as much noise, to the original's five digits."""
    centre, noise = (seeds.generator(0, "top100", key).normal(size=n) for key in (quadrant, song))
    return [float(f"{value:.5g}") for value in centre + noise]


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout, with made-up values of the top-100 features."""
    labelled = sorted((_archives.allmusic_song(track.id), track.quadrant) for track, _ in songs)
    blank = [""] * (len(METADATA_COLUMNS) - 4)
    metadata = [
        (_archives.allmusic_song(t.id), t.artist or "", t.id, t.quadrant, *blank) for t, _ in songs
    ]
    names = published_names("top100")
    features = [(song, *_features(song, q, len(names)), q) for song, q in labelled]
    annotations = [("Song", "Quadrant"), *labelled]
    write_csv(root / AUDIO / ANNOTATIONS, annotations)
    for file, table in (
        (root / AUDIO / METADATA, [METADATA_COLUMNS, *sorted(metadata)]),
        (root / FEATURES / TABLES["top100"][0], [("SongID", *names, "Quadrant"), *features]),
    ):
        write_csv(file, table, quoting=csv.QUOTE_NONNUMERIC)
    for track, clip in songs:
        file = root / AUDIO / track.quadrant / f"{_archives.allmusic_song(track.id)}.mp3"
        file.parent.mkdir(parents=True, exist_ok=True)
        sf.write(file, clip.samples, clip.sample_rate, format="MP3")
