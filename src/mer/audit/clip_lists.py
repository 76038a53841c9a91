"""Clips of a corpus that are also in another one, or in a list of clips."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mer.datasets._archives import SONG
from mer.io import spreadsheets

REMEDY = "give a table of clips whose first column holds their ids"


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


def read_list(path: Path) -> dict[str, str]:
    """Clip -> its ``Quadrant``, or an empty string, of a CSV whose first column holds ids."""
    rows = spreadsheets.read(path, [], REMEDY)
    key = next(iter(rows[0].cells))
    found = spreadsheets.by_id(rows, lambda row: row.text(key) or "")
    return {id_: row.text("Quadrant") or row.text("quadrant") or "" for id_, row in found.items()}


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
