"""CH-818: Mandarin pop with a quadrant each (Hu & Yang, IEEE TAC 2017).

::

    <root>/
    ├── CH818.xlsx      Quads (Q1 to Q4, or 1 to 4) and a column that names the audio files
    └── ch818_mp3/
        └── *.mp3

The labels may also lie in the folder, and be its sheet as ``CH818_Quads.csv``, which is read where both
are there; all may lie deeper. Rows are joined to files by name, with or without ``.mp3``, never by
position (the published code did that, and its scores are at chance). Pandrea et al. keep 356 of 818
songs, 89 a quadrant, in the order of ``os.walk``, which nobody knows; here it is the first 89 by name.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mer.datasets import _archives
from mer.errors import MerError
from mer.io import spreadsheets
from mer.types import QUADRANTS, Track

FOLDER, LABELS, SHEET = "ch818_mp3", "CH818.xlsx", "CH818_Quads.csv"
PER_QUADRANT = 89
SPELLINGS = {spelling: q for q in QUADRANTS for spelling in (q, q[1], f"{q[1]}.0")}
REMEDY = f"put the archive's {FOLDER} here and {LABELS} beside it, or its sheet as {SHEET}"


def _stem(name: str) -> str:
    """The name of an audio file without ``.mp3``."""
    return name[:-4] if name.lower().endswith(".mp3") else name


def _named(
    file: Path, rows: Sequence[spreadsheets.Row], names: set[str]
) -> dict[str, spreadsheets.Row]:
    """Audio file -> row, by the column whose cells name the most files."""
    columns = [column for column in rows[0].cells if column != "Quads"]

    def hits(column: str) -> int:
        return len(names & {_stem(row.text(column) or "") for row in rows})

    best = max(columns, key=hits, default=None)
    if best is None or not hits(best):
        raise MerError(
            f"{file} must have a column that names the audio files, such as "
            f"{min(names, default='1')}.mp3, not only {list(rows[0].cells)}; {REMEDY}"
        )
    return spreadsheets.by_id(rows, lambda row: _stem(_archives.name(row, best)))


def _first(quadrants: Mapping[str, str]) -> list[str]:
    """The first songs of each quadrant, by name."""
    return [
        name
        for q in QUADRANTS
        for name in sorted(song for song, other in quadrants.items() if other == q)[:PER_QUADRANT]
    ]


def tracks(root: Path) -> list[Track]:
    """The first 89 songs of each quadrant, sorted by id; a missing file keeps its path.

    Raises
    ------
    MerError
        If the labels are missing, name no file, or a file has no label, two, or one that is no
        quadrant.
    """
    saved = any(list(root.glob(level + SHEET)) for level in _archives.LEVELS)
    file = _archives.find(root, SHEET if saved else LABELS, REMEDY)
    beside = file.parent / FOLDER
    audio = beside if beside.is_dir() else file.parent
    files = {path.stem for path in audio.glob("*.mp3")}
    rows = _named(file, spreadsheets.read(file, ["Quads"], REMEDY), files)
    if unlabelled := files - rows.keys():
        raise MerError(
            f"{file} must have a row for each file beside it and has none for "
            f"{min(unlabelled)!r} ({len(unlabelled)} such files in all); {REMEDY}"
        )
    quadrants = {song: SPELLINGS[row.choice("Quads", SPELLINGS)] for song, row in rows.items()}
    folder = audio.relative_to(root)
    return [
        Track(song, quadrants[song], (folder / f"{song}.mp3").as_posix())
        for song in sorted(_first(quadrants))
    ]
