"""emoMusic, the 1000 songs of MediaEval 2013: 744 clips of 45 s (Soleymani et al., CrowdMM 2013).

::

    <root>/
    ├── songs_info.csv              song_id,…,Artist,…,Mediaeval 2013 set; 744 rows
    ├── static_annotations.csv      song_id,mean_arousal,std_arousal,mean_valence,std_valence, in 1..9
    └── clips_45seconds/            <song_id>.mp3; may be missing

The two tables come in a folder ``annotations``; all may be in folders, one or two levels deep. Songs of the
development set are the training part of the corpus' own split, those of the evaluation set its test part.
The midpoints between the two means of k-means over all songs separate low from high, as in PMEmo.
"""

from pathlib import Path

from mer import labels
from mer.datasets import _archives
from mer.io import spreadsheets
from mer.types import FeatureSet, Track

ANNOTATIONS, INFO, AUDIO = "static_annotations.csv", "songs_info.csv", "clips_45seconds"
AROUSAL, VALENCE, SET = "mean_arousal", "mean_valence", "Mediaeval 2013 set"
SPREAD = {"valence": "std_valence", "arousal": "std_arousal"}
SIDES = {"development": "train", "evaluation": "test"}
REMEDY = "unpack the authors' annotations.tar.gz and clips_45sec.tar.gz here"

published_families: tuple[str, ...] = ()


def published(_root: Path) -> dict[str, FeatureSet]:
    """The layout has no feature tables."""
    return {}


def _rows(root: Path, file: str, *columns: str) -> dict[str, spreadsheets.Row]:
    """Song -> row of a table."""
    path = _archives.find(root, file, REMEDY)
    rows = spreadsheets.read(path, ["song_id", *columns], REMEDY)
    return spreadsheets.by_id(rows, lambda row: _archives.whole_number(row, "song_id"))


def _ratings(root: Path) -> dict[str, spreadsheets.Row]:
    """Song -> row of its annotations."""
    return _rows(root, ANNOTATIONS, AROUSAL, VALENCE, *SPREAD.values())


def _point(row: spreadsheets.Row) -> tuple[float, float]:
    """Valence and arousal."""
    return _archives.within(row, VALENCE, 1, 9), _archives.within(row, AROUSAL, 1, 9)


def thresholds(root: Path) -> tuple[float, float]:
    """Thresholds above which valence and arousal are high."""
    return labels.midpoints(*zip(*map(_point, _ratings(root).values())))


def tracks(root: Path) -> list[Track]:
    """The annotated songs, sorted by id; a missing audio file keeps its path.

    Raises
    ------
    MerError
        If a file or column is missing, the tables have different songs, or a cell has an invalid value.
    """
    ratings, limits = _ratings(root), thresholds(root)
    info = _rows(root, INFO, "Artist", SET)
    _archives.same_songs(root / INFO, info, ratings, ANNOTATIONS)
    folder = _archives.find_folder(root, AUDIO)
    return [
        Track(
            id=song,
            quadrant=labels.quadrant(*_point(row), limits),
            path=f"{folder.relative_to(root).as_posix()}/{song}.mp3" if folder else None,
            valence=row.number(VALENCE),
            arousal=row.number(AROUSAL),
            artist=info[song].text("Artist"),
            splits={"own": SIDES[info[song].choice(SET, SIDES)]},
            spread={axis: row.number(column) for axis, column in SPREAD.items()},
        )
        for song, row in sorted(ratings.items())
    ]
