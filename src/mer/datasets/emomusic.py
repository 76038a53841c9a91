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

from mer.datasets import _archives
from mer.io import spreadsheets
from mer.types import Track

ANNOTATIONS, INFO, AUDIO = "static_annotations.csv", "songs_info.csv", "clips_45seconds"
RATINGS = _archives.Ratings(
    "mean_valence",
    "mean_arousal",
    spread={"valence": "std_valence", "arousal": "std_arousal"},
    scale=(1, 9),
)
SET = "Mediaeval 2013 set"
SIDES = {"development": "train", "evaluation": "test"}
REMEDY = "unpack the authors' annotations.tar.gz and clips_45sec.tar.gz here"


def _rows(file: Path, *columns: str) -> dict[str, spreadsheets.Row]:
    """Song -> row of a table."""
    rows = spreadsheets.read(file, ["song_id", *columns], REMEDY)
    return spreadsheets.by_id(rows, lambda row: _archives.whole_number(row, "song_id"))


def _ratings(root: Path) -> dict[str, spreadsheets.Row]:
    """Song -> row of its annotations."""
    return _rows(_archives.find(root, ANNOTATIONS, REMEDY), *RATINGS.columns)


def thresholds(root: Path) -> tuple[float, float]:
    """Thresholds above which valence and arousal are high, in the ratings' scale of 1..9.

    They are the midpoints of two clusters of the ratings, see ``mer.targets.labels.midpoints``.
    """
    return RATINGS.thresholds(_ratings(root).values())


def tracks(root: Path) -> list[Track]:
    """The annotated songs, sorted by id; a missing audio file keeps its path.

    Raises
    ------
    MerError
        If a file or column is missing, the tables have different songs, or a cell has an invalid value.
    """
    ratings = _ratings(root)
    limits = RATINGS.thresholds(ratings.values())
    file = _archives.find(root, INFO, REMEDY)
    info = _rows(file, "Artist", SET)
    _archives.same_songs(file, info, ratings, ANNOTATIONS)
    folder = _archives.find_folder(root, AUDIO)
    return [
        Track(
            id=song,
            path=f"{folder}/{song}.mp3" if folder else None,
            artist=info[song].text("Artist"),
            splits={"own": SIDES[info[song].choice(SET, SIDES)]},
            **RATINGS.facts(row, limits),
        )
        for song, row in sorted(ratings.items())
    ]
