"""Clips of a corpus that are also in another one, or in a list of clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mer.datasets._archives import SONG
from mer.io import spreadsheets
from mer.types import QUADRANTS

REMEDY = "give a table of clips whose first column holds their ids"
QUADRANT = "quadrant"
ROW_NUMBERS = ("", "unnamed: 0")  # header of the first column that pandas writes


@dataclass(frozen=True)
class Shared:
    """Clips that are in two corpora.

    Attributes
    ----------
    ids : list of str
        Ids that name the same clip in both, sorted.
    relabelled : list of str
        Ids whose class differs between the two corpora.
    same_file : list of (str, str)
        Clips with the same bytes under another id: the id here, and the one there.
    """

    ids: list[str]
    relabelled: list[str]
    same_file: list[tuple[str, str]]


def _column_of_ids(rows: Sequence[spreadsheets.Row]) -> str:
    """The first column, or the next where the first is the row numbers that pandas writes."""
    first, *others = rows[0].cells
    others = [name for name in others if name.casefold() != QUADRANT]
    is_numbering = first.casefold() in ROW_NUMBERS and all(
        row.cells[first].isdecimal() for row in rows
    )
    return others[0] if others and is_numbering else first


def _id(row: spreadsheets.Row, column: str) -> str:
    """The id of a row, which is a path without its suffix in a column ``path``."""
    text = row.text(column) or ""
    path = PurePosixPath(text)
    return str(path.parent / path.stem) if column.casefold() == "path" else text


def _quadrant(row: spreadsheets.Row, column: str) -> str:
    """The cell, a quadrant in any case as in ``QUADRANTS``; empty without that column."""
    text = row.text(column) or ""
    return text.upper() if text.upper() in QUADRANTS else text


def read_list(path: Path) -> dict[str, str]:
    """Clip -> its quadrant, or an empty string, of a CSV whose first column holds ids or paths."""
    rows = spreadsheets.read(path, [], REMEDY)
    ids = _column_of_ids(rows)
    quadrant = next((name for name in rows[0].cells if name.casefold() == QUADRANT), QUADRANT)
    found = spreadsheets.by_id(rows, lambda row: _id(row, ids))
    return {id_: _quadrant(row, quadrant) for id_, row in found.items()}


def shared(
    labels: Mapping[str, str],
    others: Mapping[str, str],
    files: Mapping[str, str],
    other_files: Mapping[str, str],
    *,
    same_naming: bool,
) -> Shared:
    """The clips that two corpora or lists have in common.

    Parameters
    ----------
    labels, others : mapping of str to str
        Id -> class. An empty class means that the other list states none.
    files, other_files : mapping of str to str
        Id -> SHA-256 of the file. An empty digest means that there is no file.
    same_naming : bool
        Whether an equal id is the same clip. If not, corpora may number their songs independently: an equal
        id counts if it is of 4QAED's naming (``MT…``, ``A…``), or if the files are the same.
    """

    def is_same(id_: str) -> bool:
        digest = files.get(id_, "")
        same_file = digest != "" and digest == other_files.get(id_)
        return same_naming or same_file or SONG.fullmatch(id_) is not None

    ids = sorted(filter(is_same, labels.keys() & others.keys()))
    there = {digest: id_ for id_, digest in sorted(other_files.items(), reverse=True) if digest}
    twins = ((id_, there.get(digest, id_)) for id_, digest in sorted(files.items()))
    return Shared(
        ids,
        relabelled=[id_ for id_ in ids if others[id_] not in ("", labels[id_])],
        same_file=[pair for pair in twins if pair[0] != pair[1]],
    )
