"""PMEmo: choruses of pop songs with valence and arousal (Zhang et al., ICMR 2018).

::

    <root>/
    ├── metadata.csv                    musicId,fileName,title,artist,…; 794 rows
    ├── annotations/
    │   └── static_annotations.csv      musicId,Arousal(mean),Valence(mean), in 0..1; 767 rows
    └── chorus/                         <musicId>.mp3; may be missing

All of it may lie in ``PMEmo2019``, also nested in another. Its tracks are the songs with static
annotations. Low and high are told apart by the midpoints of two means over all of them (He & Ferguson
2022, 4.3): a definition of the labels, which sees no split.
"""

from collections.abc import Sequence
from pathlib import Path

from mer import archives, labels, sheets
from mer.errors import MerError
from mer.types import Clip, FeatureSet, Track

ANNOTATIONS = "annotations/static_annotations.csv"
AROUSAL, VALENCE = "Arousal(mean)", "Valence(mean)"
METADATA_COLUMNS = (
    *("musicId", "fileName", "title", "artist", "album", "duration"),
    *("chorus_start_time", "chorus_end_time"),
)
REMEDY = "unpack the authors' PMEmo2019.zip here"

published_families: tuple[str, ...] = ()


def published(_root: Path) -> dict[str, FeatureSet]:
    """No tables of a known family come with this layout."""
    return {}


def _song(row: sheets.Row) -> str:
    song = row.text("musicId") or ""
    if not (song.isascii() and song.isdecimal()):
        raise MerError(
            f"{row.where}: musicId must be a whole number, not {song!r}; restore the authors' file"
        )
    return song


def _share(row: sheets.Row, column: str) -> float:
    value = row.number(column)
    if not 0 <= value <= 1:
        raise MerError(
            f"{row.where}: {column} must lie in 0..1, not {value:g}; restore the authors' file"
        )
    return value


def _points(root: Path) -> tuple[Path, dict[str, tuple[float, float]]]:
    """Where the archive lies, and song -> (valence, arousal)."""
    file = archives.find(root, ANNOTATIONS, REMEDY)
    rows = sheets.by_id(sheets.read(file, ["musicId", AROUSAL, VALENCE], REMEDY), _song)
    points = {song: (_share(row, VALENCE), _share(row, AROUSAL)) for song, row in rows.items()}
    return file.parent.parent, points


def thresholds(root: Path) -> tuple[float, float]:
    """Above which valence and arousal are high: 0.567 and 0.587 on the whole corpus."""
    _, points = _points(root)
    return labels.midpoints(*zip(*points.values()))


def tracks(root: Path) -> list[Track]:
    """The songs with static annotations, sorted by id; a missing audio file keeps its path.

    Raises
    ------
    MerError
        If a file or column is missing, a song stands twice or has no row in the metadata, or a value
        is not in 0..1.
    """
    base, points = _points(root)
    file, limits = base / "metadata.csv", thresholds(root)
    metadata = sheets.by_id(sheets.read(file, ["musicId", "artist"], REMEDY), _song)
    archives.same_songs(file, metadata.keys() & points.keys(), points, ANNOTATIONS)
    chorus = base / "chorus"
    folder = chorus.relative_to(root) if chorus.is_dir() else None
    return [
        Track(
            id=song,
            quadrant=labels.quadrant(*point, limits),
            path=None if folder is None else (folder / f"{song}.mp3").as_posix(),
            valence=point[0],
            arousal=point[1],
            artist=metadata[song].text("artist"),
        )
        for song, point in sorted(points.items())
    ]


def _place(track: Track) -> tuple[float, float]:
    """Valence and arousal in 0..1: the track's own, in -1..1, or the middle of its quadrant."""
    signs = [1 if track.quadrant in labels.HIGH[axis] else -1 for axis in ("valence", "arousal")]
    own = (track.valence, track.arousal)
    return tuple(0.5 + (s / 2 if v is None else v) / 2 for s, v in zip(signs, own))  # type: ignore[return-value]


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout."""
    named = sorted((archives.number(track.id, 6), track, clip) for track, clip in songs)
    metadata = [
        (n, f"{n}.mp3", t.id, t.artist or "", "", round(clip.seconds, 2), "", "")
        for n, t, clip in named
    ]
    points = [(n, *reversed(_place(t))) for n, t, _ in named]
    tables: dict[str, list[Sequence[object]]] = {
        "PMEmo2019/metadata.csv": [METADATA_COLUMNS, *metadata],
        f"PMEmo2019/{ANNOTATIONS}": [("musicId", AROUSAL, VALENCE), *points],
    }
    archives.write(root, tables, {f"PMEmo2019/chorus/{n}.mp3": clip for n, _, clip in named})
