"""Functions that the layouts of published archives share."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mer.errors import MerError
from mer.io import spreadsheets
from mer.targets import labels
from mer.types import QUADRANTS

LEVELS = ("", "*/", "*/*/")
SONG = re.compile(r"MT[0-9]{10}|A[0-9]{3}(-[0-9]+)?")


def find(root: Path, pattern: str, remedy: str) -> Path:
    """The only file that matches ``pattern`` in ``root``, or else one or two folders below.

    Raises
    ------
    MerError
        If there is none, or several at the same depth.
    """
    for level in LEVELS:
        if found := sorted(path for path in root.glob(level + pattern) if path.is_file()):
            break
    if len(found) != 1:
        raise MerError(
            f"{root} must hold one file {pattern}, itself or in a folder, not "
            f"{[path.relative_to(root).as_posix() for path in found]}; {remedy}"
        )
    return found[0]


def same_songs(file: Path, found: Collection[str], wanted: Collection[str], reference: str) -> None:
    """Raise if the songs of a file are not those of ``reference``, the name of another file."""
    for what, songs in (
        ("has no row for", set(wanted) - set(found)),
        ("has a row for", set(found) - set(wanted)),
    ):
        if songs:
            raise MerError(
                f"{file} must have the songs of {reference}, but {what} {min(songs)!r} "
                f"({len(songs)} such songs in all); use files of one release"
            )


def same_quadrants(
    rows: Mapping[str, spreadsheets.Row], quadrants: Mapping[str, str], reference: str
) -> None:
    """Raise if the quadrant of a row is not the quadrant of its song in ``reference``."""
    for song, row in rows.items():
        if row.text("Quadrant") != quadrants[song]:
            raise MerError(
                f"{row.where}: the song {song!r} must be in {quadrants[song]} as in {reference}, "
                f"not in {row.cells['Quadrant']!r}; use files of one release"
            )


def has_folders(base: Path, quadrants: Mapping[str, str], reference: str) -> bool:
    """Whether ``base`` has any of the folders ``Q1`` to ``Q4``; raise if a song is in the wrong one."""
    folders = [base / q for q in QUADRANTS if (base / q).is_dir()]
    for file in (file for folder in folders for file in sorted(folder.glob("*.mp3"))):
        annotated = quadrants.get(file.stem, file.parent.name)
        if annotated != file.parent.name:
            raise MerError(
                f"{file} must lie in {annotated}, as {reference} says, not in "
                f"{file.parent.name}; restore the authors' folders"
            )
    return bool(folders)


def find_folder(root: Path, pattern: str) -> str | None:
    """The first folder that matches ``pattern`` in ``root``, or else one or two folders below.

    Returns
    -------
    str or None
        The path relative to ``root``.
    """
    found = (path for level in LEVELS for path in sorted(root.glob(level + pattern)))
    return next((path.relative_to(root).as_posix() for path in found if path.is_dir()), None)


def name(row: spreadsheets.Row, column: str) -> str:
    """The cell, which must name a clip.

    Raises
    ------
    MerError
        If it is empty.
    """
    if clip := row.text(column):
        return clip
    raise MerError(
        f"{row.where}: {column} must name a clip, not be empty; restore the authors' file"
    )


def allmusic_song(row: spreadsheets.Row, column: str) -> str:
    """The cell, which must be the id of a song in the corpora of Panda and of Louro.

    Raises
    ------
    MerError
        If it is not.
    """
    song = row.text(column) or ""
    if not SONG.fullmatch(song):
        raise MerError(
            f"{row.where}: {column} must be MT and ten digits, or like A001 or A061-66, not {song!r}; "
            "restore the authors' file"
        )
    return song


def whole_number(row: spreadsheets.Row, column: str) -> str:
    """The cell, which must be a whole number, as the name of a song.

    Raises
    ------
    MerError
        If it is not.
    """
    song = row.text(column) or ""
    if not (song.isascii() and song.isdecimal()):
        raise MerError(
            f"{row.where}: {column} must be a whole number, not {song!r}; restore the authors' file"
        )
    return song


def within(row: spreadsheets.Row, column: str, lowest: float, highest: float) -> float:
    """The cell, which must be a number of the scale.

    Raises
    ------
    MerError
        If it is not.
    """
    value = row.number(column)
    if not lowest <= value <= highest:
        raise MerError(
            f"{row.where}: {column} must lie in {lowest:g}..{highest:g}, not {value:g}; restore the "
            "authors' file"
        )
    return value


@dataclass(frozen=True)
class Ratings:
    """The columns of a table that hold the valence and arousal of each song.

    Attributes
    ----------
    valence, arousal : str
        Columns of the means over annotators.
    spread : mapping of str to str
        ``valence`` and ``arousal`` -> column of the standard deviation over annotators.
    scale : (float, float)
        The lowest and the highest value that a mean can have.
    """

    valence: str
    arousal: str
    spread: Mapping[str, str]
    scale: tuple[float, float]

    @property
    def columns(self) -> list[str]:
        """All columns."""
        return [self.valence, self.arousal, *self.spread.values()]

    def point(self, row: spreadsheets.Row) -> tuple[float, float]:
        """Valence and arousal of a song."""
        return within(row, self.valence, *self.scale), within(row, self.arousal, *self.scale)

    def thresholds(self, rows: Iterable[spreadsheets.Row]) -> tuple[float, float]:
        """Thresholds above which valence and arousal are high."""
        return labels.midpoints(*zip(*map(self.point, rows)))

    def facts(self, row: spreadsheets.Row, limits: tuple[float, float]) -> dict[str, Any]:
        """The arguments of ``Track`` that follow from the ratings of a song and from the thresholds."""
        valence, arousal = self.point(row)
        return {
            "quadrant": labels.quadrant(valence, arousal, limits),
            "valence": valence,
            "arousal": arousal,
            "spread": {axis: row.number(column) for axis, column in self.spread.items()},
        }
