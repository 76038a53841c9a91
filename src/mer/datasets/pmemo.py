"""PMEmo: choruses of pop songs with valence and arousal (Zhang et al., ICMR 2018).

::

    <root>/
    ├── metadata.csv                    musicId,fileName,title,artist,…; 794 rows
    ├── annotations/
    │   └── static_annotations.csv      musicId,Arousal(mean),Valence(mean), in 0..1; 767 rows
    └── chorus/                         <musicId>.mp3; may be missing

The files may also be in a folder ``PMEmo2019``, one or two levels deep. The tracks are the songs with
static annotations. The midpoints between the two means over all songs separate low from high (He &
Ferguson 2022, section 4.3); they define the labels and do not depend on a split.
"""

from pathlib import Path

from mer.datasets import _archives
from mer.io import spreadsheets
from mer.targets import labels
from mer.types import Track

ANNOTATIONS = "annotations/static_annotations.csv"
AROUSAL, VALENCE = "Arousal(mean)", "Valence(mean)"
METADATA_COLUMNS = (
    *("musicId", "fileName", "title", "artist", "album", "duration"),
    *("chorus_start_time", "chorus_end_time"),
)
REMEDY = "unpack the authors' PMEmo2019.zip here"


def _song(row: spreadsheets.Row) -> str:
    return _archives.whole_number(row, "musicId")


def _share(row: spreadsheets.Row, column: str) -> float:
    return _archives.within(row, column, 0, 1)


def _points(root: Path) -> tuple[Path, dict[str, tuple[float, float]]]:
    """The folder of the archive, and song -> (valence, arousal)."""
    file = _archives.find(root, ANNOTATIONS, REMEDY)
    rows = spreadsheets.by_id(spreadsheets.read(file, ["musicId", AROUSAL, VALENCE], REMEDY), _song)
    points = {song: (_share(row, VALENCE), _share(row, AROUSAL)) for song, row in rows.items()}
    return file.parent.parent, points


def thresholds(root: Path) -> tuple[float, float]:
    """Thresholds above which valence and arousal are high, in 0..1: 0.567 and 0.587 on the whole corpus.

    They are the midpoints of two clusters of the annotations, see ``mer.targets.labels.midpoints``.
    """
    _, points = _points(root)
    return labels.midpoints(*zip(*points.values()))


def tracks(root: Path) -> list[Track]:
    """The songs with static annotations, sorted by id; a missing audio file keeps its path.

    Raises
    ------
    MerError
        If a file or column is missing, a song is duplicated or has no row in the metadata, or a value
        is not in 0..1.
    """
    base, points = _points(root)
    file, limits = base / "metadata.csv", labels.midpoints(*zip(*points.values()))
    metadata = spreadsheets.by_id(spreadsheets.read(file, ["musicId", "artist"], REMEDY), _song)
    _archives.same_songs(file, metadata.keys() & points.keys(), points, ANNOTATIONS)
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
