"""Emotify: 400 excerpts of one minute with induced emotions (Aljanaki, Wiering & Veltkamp, IPM 2016).

::

    <root>/
    ├── data.csv            track id,genre,amazement,…,sadness,mood,…; a row per listener and excerpt
    └── emotifymusic/       may be missing
        └── classical/ rock/ electronic/ pop/
            └── *.mp3       1.mp3 to 100.mp3: the excerpts 101 to 200 are rock/1.mp3 to rock/100.mp3, say

Both may be in a folder. A listener marked up to three of the nine emotions of the Geneva Emotional Music
Scale. The label of an excerpt is the emotion that most listeners marked, in a tie the first of them in the
order of the columns (57 excerpts have a tie); ``spread`` keeps the share of listeners who marked each. The
corpus has neither quadrants nor artists.
"""

from collections.abc import Sequence
from pathlib import Path

from mer.datasets import _archives
from mer.errors import MerError
from mer.io import spreadsheets
from mer.types import Track

RATINGS, AUDIO = "data.csv", "emotifymusic"
GENRES = ("classical", "rock", "electronic", "pop")
PER_GENRE = 100
EMOTIONS = (
    *("amazement", "solemnity", "tenderness", "nostalgia", "calmness"),
    *("power", "joyful_activation", "tension", "sadness"),
)
REMEDY = "put the authors' data.csv here, and unpack emotifymusic.zip beside it"


def _excerpts(root: Path) -> dict[tuple[str, int], list[spreadsheets.Row]]:
    """(genre, number of the file) -> the rows of its listeners."""
    file = _archives.find(root, RATINGS, REMEDY)
    found: dict[tuple[str, int], list[spreadsheets.Row]] = {}
    for row in spreadsheets.read(file, ["track id", "genre", *EMOTIONS], REMEDY):
        genre = row.choice("genre", GENRES)
        found.setdefault((genre, _number(row, genre)), []).append(row)
    return found


def _number(row: spreadsheets.Row, genre: str) -> int:
    """The number of the file in the folder of its genre."""
    song, before = int(_archives.whole_number(row, "track id")), PER_GENRE * GENRES.index(genre)
    if not before < song <= before + PER_GENRE:
        raise MerError(
            f"{row.where}: track id must lie in {before + 1}..{before + PER_GENRE} for the genre {genre}, "
            f"not {song}; restore the authors' file"
        )
    return song - before


def _shares(rows: Sequence[spreadsheets.Row]) -> dict[str, float]:
    """Emotion -> share of the listeners who marked it."""
    marks = {emotion: [row.choice(emotion, ("0", "1")) for row in rows] for emotion in EMOTIONS}
    return {name: round(of.count("1") / len(rows), 4) for name, of in marks.items()}


def tracks(root: Path) -> list[Track]:
    """The rated excerpts, sorted by id; a missing audio file keeps its path.

    Raises
    ------
    MerError
        If the table or a column is missing, or a cell has an invalid value.
    """
    folder = _archives.find_folder(root, AUDIO)
    found = []
    for (genre, number), rows in _excerpts(root).items():
        shares = _shares(rows)
        found.append(
            Track(
                id=f"{genre}/{number}",
                quadrant="",
                path=f"{folder}/{genre}/{number}.mp3" if folder else None,
                label=max(shares, key=lambda emotion: shares[emotion]),
                spread=shares,
            )
        )
    return sorted(found, key=lambda track: track.id)
