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

from mer import labels
from mer.datasets import _archives
from mer.io import spreadsheets
from mer.types import FeatureSet, Track

RATINGS, AUDIO = "MUSIFEAST17_all.csv", "stimuli"
CLIP, ARTIST, VALENCE, AROUSAL = "CLIP_NAME", "ARTIST", "valence_M", "arousal_M"
SPREAD = {"valence": "valence_SD", "arousal": "arousal_SD"}
SCALE = (1.0, 5.0)
REMEDY = "put the folders data and stimuli of the authors' repository here"

published_families: tuple[str, ...] = ()


def published(_root: Path) -> dict[str, FeatureSet]:
    """The layout has no feature tables."""
    return {}


def _point(row: spreadsheets.Row) -> tuple[float, float]:
    """Valence and arousal."""
    return _archives.within(row, VALENCE, *SCALE), _archives.within(row, AROUSAL, *SCALE)


def tracks(root: Path) -> list[Track]:
    """The rated clips, sorted by id; a missing audio file keeps its path.

    Raises
    ------
    MerError
        If the table or a column is missing, or a cell has an invalid value.
    """
    file = _archives.find(root, RATINGS, REMEDY)
    rows = spreadsheets.read(file, [CLIP, ARTIST, VALENCE, AROUSAL, *SPREAD.values()], REMEDY)
    ratings = spreadsheets.by_id(rows, lambda row: row.text(CLIP) or "")
    limits = labels.midpoints(*zip(*map(_point, ratings.values())))
    folder = _archives.find_folder(root, AUDIO)
    place = folder and folder.relative_to(root).as_posix()
    return [
        Track(
            id=clip,
            quadrant=labels.quadrant(*_point(row), limits),
            path=f"{place}/{clip}.mp3" if place else None,
            valence=row.number(VALENCE),
            arousal=row.number(AROUSAL),
            artist=row.text(ARTIST),
            spread={axis: row.number(column) for axis, column in SPREAD.items()},
        )
        for clip, row in sorted(ratings.items())
    ]
