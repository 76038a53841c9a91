"""A synthetic corpus as the layout ``deam`` reads it."""

from collections.abc import Sequence
from pathlib import Path

from mer.datasets.deam import ANNOTATIONS, AUDIO, METADATA, RATINGS
from mer.pipeline.demo.writers import _archives
from mer.types import Clip, Track

FOLDER = "annotations/annotations averaged per song/song_level"
COLUMNS = ("song_id", f" {RATINGS.valence}", " valence_std", f" {RATINGS.arousal}", " arousal_std")
HEADERS = (
    ("song_id", "file_name", "Artist", "Song title", "Genre"),
    ("Id", "Artist", "Album", "Track", "Genre"),
    ("id", "Filename", "title", "artist", "album"),
)


def _year(song: int) -> int:
    """The position of a song's year among those of the metadata."""
    return (song > 1000) + (song > 2000)


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout, with the header and the ragged rows of the original."""
    order = sorted(songs, key=lambda song: _archives.number(song[0].id, 7))
    named = [(1000 * (n % 3) + n + 1, track, clip) for n, (track, clip) in enumerate(order)]
    tables: dict[str, list[Sequence[object]]] = {
        f"{FOLDER}/{name}": [COLUMNS] for name in ANNOTATIONS
    }
    metadata = [f"metadata/{name}" for name in METADATA]
    tables |= {name: [header] for name, header in zip(metadata, HEADERS, strict=True)}
    for n, track, _ in named:
        valence, arousal = _archives.in_scale(track, *RATINGS.scale)
        tables[f"{FOLDER}/{ANNOTATIONS[n > 2000]}"].append((n, valence, 1.0, arousal, 1.0))
        facts = {"Artist": track.artist or "", "artist": track.artist or ""}
        cells = [facts.get(column, "") for column in HEADERS[_year(n)][1:]]
        tables[metadata[_year(n)]].append((n, *cells, *["tag"] * (n // 3 % 3)))
    _archives.write(root, tables, {f"{AUDIO}/{n}.mp3": clip for n, _, clip in named})
