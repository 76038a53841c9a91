"""MUSIFEAST-17: 356 clips of 30 s of 17 genres (van der Walle, Wu, Margulis & Jakubowski, BRM 2025).

::

    <root>/
    ├── MUSIFEAST17_all.csv     …,CLIP_NAME,…,ARTIST,…,valence_M,valence_SD,arousal_M,arousal_SD,…, in 1..5
    └── stimuli/                <CLIP_NAME>.mp3; may be missing

Both may be in folders, one or two levels deep, as in the authors' repository. Valence and arousal are what
the music expresses, averaged over listeners of the UK and the US. The midpoints between the two means of
k-means over all clips separate low from high, as in PMEmo.
"""

from pathlib import Path

from mer.datasets import _archives
from mer.io import spreadsheets
from mer.types import Track

TABLE, AUDIO = "MUSIFEAST17_all.csv", "stimuli"
CLIP, ARTIST = "CLIP_NAME", "ARTIST"
RATINGS = _archives.Ratings(
    "valence_M",
    "arousal_M",
    spread={"valence": "valence_SD", "arousal": "arousal_SD"},
    scale=(1, 5),
)
REMEDY = "put the folders data and stimuli of the authors' repository here"


def _ratings(root: Path) -> dict[str, spreadsheets.Row]:
    """The rows of the table by clip."""
    file = _archives.find(root, TABLE, REMEDY)
    rows = spreadsheets.read(file, [CLIP, ARTIST, *RATINGS.columns], REMEDY)
    return spreadsheets.by_id(rows, lambda row: _archives.name(row, CLIP))


def thresholds(root: Path) -> tuple[float, float]:
    """Thresholds above which valence and arousal are high, in the ratings' scale of 1..5.

    They are the midpoints of two clusters of the ratings, see ``mer.targets.labels.midpoints``.
    """
    return RATINGS.thresholds(_ratings(root).values())


def tracks(root: Path) -> list[Track]:
    """The rated clips, sorted by id; a missing audio file keeps its path.

    Raises
    ------
    MerError
        If the table or a column is missing, or a cell has an invalid value.
    """
    ratings = _ratings(root)
    limits = RATINGS.thresholds(ratings.values())
    folder = _archives.find_folder(root, AUDIO)
    return [
        Track(
            id=clip,
            path=f"{folder}/{clip}.mp3" if folder else None,
            artist=row.text(ARTIST),
            **RATINGS.facts(row, limits),
        )
        for clip, row in sorted(ratings.items())
    ]
