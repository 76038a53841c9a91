"""DEAM: songs of MediaEval 2013 to 2015 with valence and arousal (Aljanaki, Yang & Soleymani, 2017).

::

    <root>/
    ├── annotations/
    │   └── annotations averaged per song/
    │       └── song_level/
    │           ├── static_annotations_averaged_songs_1_2000.csv        song_id,valence_mean,valence_std,
    │           │                                                       arousal_mean,arousal_std, in 1..9
    │           └── static_annotations_averaged_songs_2000_2058.csv     the same columns, and more
    ├── metadata/
    │   └── metadata_2013.csv, metadata_2014.csv, metadata_2015.csv     artists; may be missing
    └── MEMD_audio/                                                     <song_id>.mp3; may be missing

The files may be one folder higher or deeper. There are 744 excerpts of 45 s of 2013 (ids up to 1000), 1000
of 2014 (up to 2000) and 58 full songs of 2015. The corpus' own split is that of the task of 2014: training
on the excerpts of 2013, test on those of 2014; the songs of 2015 are on no side. The midpoints between the
two means of k-means over all songs separate low from high, as in PMEmo.
"""

import csv
from pathlib import Path

from mer.datasets import _archives
from mer.errors import MerError
from mer.io import spreadsheets
from mer.types import Track

SONG_LEVEL = "annotations?averaged?per?song/song_level"
ANNOTATIONS = (
    "static_annotations_averaged_songs_1_2000.csv",
    "static_annotations_averaged_songs_2000_2058.csv",
)
METADATA = ("metadata_2013.csv", "metadata_2014.csv", "metadata_2015.csv")
AUDIO = "MEMD_audio"
RATINGS = _archives.Ratings(
    "valence_mean",
    "arousal_mean",
    spread={"valence": "valence_std", "arousal": "arousal_std"},
    scale=(1, 9),
)
LAST = {2013: 1000, 2014: 2000}  # ids
REMEDY = "unpack the authors' DEAM_Annotations.zip, metadata.zip and DEAM_audio.zip here"


def _ratings(root: Path) -> dict[str, spreadsheets.Row]:
    """Song -> row of its annotations."""
    rows = [
        row
        for name in ANNOTATIONS
        for row in spreadsheets.read(
            _archives.find(root, f"{SONG_LEVEL}/{name}", REMEDY),
            ["song_id", *RATINGS.columns],
            REMEDY,
        )
    ]
    return spreadsheets.by_id(rows, lambda row: _archives.whole_number(row, "song_id"))


def _artists(root: Path) -> dict[str, str]:
    """Song -> artist, of the metadata that are there.

    Their rows have different numbers of cells, because some list tags; the first cell is the id.
    """
    found: dict[str, str] = {}
    folders = [root / level for level in ("metadata", "metadata/metadata", ".")]
    for file in (folder / name for name in METADATA for folder in folders):
        if file.is_file():
            with file.open(encoding="utf-8", errors="replace", newline="") as stream:
                header, *rows = [*csv.reader(stream)] or [[]]
            names = [name.strip().lower() for name in header]
            if "artist" not in names:
                raise MerError(f"{file} must have a column 'Artist', not only {header}; {REMEDY}")
            column = names.index("artist")
            found |= {row[0].strip(): _plain(row[column]) for row in rows if len(row) > column}
    return found


def _plain(cell: str) -> str:
    """A cell without tabs, quotes and double spaces."""
    return " ".join(cell.replace('"', " ").split())


def thresholds(root: Path) -> tuple[float, float]:
    """Thresholds above which valence and arousal are high, in the ratings' scale of 1..9.

    They are the midpoints of two clusters of the ratings, see ``mer.targets.labels.midpoints``.
    """
    return RATINGS.thresholds(_ratings(root).values())


def _split(song: str) -> dict[str, str]:
    """The side of a song in the task of 2014."""
    if int(song) > LAST[2014]:
        return {}
    return {"own": "train" if int(song) <= LAST[2013] else "test"}


def tracks(root: Path) -> list[Track]:
    """The annotated songs, sorted by id; a missing audio file keeps its path.

    Raises
    ------
    MerError
        If a file or column is missing, a song is duplicated, or a value is not in 1..9.
    """
    ratings, artists = _ratings(root), _artists(root)
    limits = RATINGS.thresholds(ratings.values())
    folder = _archives.find_folder(root, AUDIO)
    return [
        Track(
            id=song,
            path=f"{folder}/{song}.mp3" if folder else None,
            artist=artists.get(song) or None,
            splits=_split(song),
            **RATINGS.facts(row, limits),
        )
        for song, row in sorted(ratings.items())
    ]
