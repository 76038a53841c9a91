"""Any folder of songs with one table of labels.

::

    <root>/
    ├── labels.csv      path, and quadrant, valence, arousal or label; perhaps artist, source, split, fold
    └── …               audio files, in any folders, in any format that can be decoded

``path`` is relative to the root, with forward slashes; without its suffix it is the id. If there is no
column ``quadrant``, ``labels.midpoints`` over the corpus separates low from high where both ``valence``
and ``arousal`` are there; else the songs have no quadrant. ``label`` is a class of any name. ``artist``
names the group that must not be split (the artist, or the source song); ``split`` (train, val, test) is a
split of the corpus' authors, and ``fold``, where there is no ``split``, the fold that tests the song;
``source`` names the corpus of a song in a merged corpus.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mer.errors import MerError
from mer.io import spreadsheets
from mer.targets import labels
from mer.types import QUADRANTS, SIDES, Track

LABELS = "labels.csv"
COLUMNS = ("path", "quadrant", "valence", "arousal", "label", "artist", "source", "split")
KINDS = COLUMNS[1:5]  # of which one at least must be there
REMEDY = (
    "write one with the columns path,quadrant (or valence and arousal, or label) and a row per song"
)


def _path(row: spreadsheets.Row) -> PurePosixPath:
    text = row.cells["path"]
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or not path.name or set("\0\r") & set(text):
        raise MerError(
            f"{row.where}: path must name a file below {LABELS}'s folder, not {text!r}; "
            "move the file there and give its relative path"
        )
    return path


def _id(row: spreadsheets.Row) -> str:
    return str(_path(row).with_suffix(""))


def _check_header(file: Path, header: Collection[str]) -> None:
    """Refuse another spelling of a known column that is missing, for it would be passed over."""
    plain = {name.strip(spreadsheets.INVISIBLE + " ").casefold(): name for name in header}
    for column in (*COLUMNS, "fold"):
        if column not in header and (name := plain.get(column)) is not None:
            raise MerError(
                f"{file} must have the column {column!r} spelled so, not {name!r}; rename it, or give it "
                "another name if it means something else"
            )


def _check_sources(rows: Sequence[spreadsheets.Row]) -> None:
    """Refuse sources of some rows only, for the others would belong to no member of the corpus."""
    blank = [row for row in rows if not row.text("source")]
    if 0 < len(blank) < len(rows):
        raise MerError(
            f"{blank[0].where}: source must name the corpus of the song, as in other rows, not be empty; "
            "fill the cell, or remove the column"
        )


def _rows(root: Path) -> dict[str, spreadsheets.Row]:
    rows = spreadsheets.read(root / LABELS, ["path"], REMEDY)
    _check_header(root / LABELS, rows[0].cells.keys())
    return spreadsheets.by_id(rows, _id)


def _thresholds(file: Path, rows: Mapping[str, spreadsheets.Row]) -> tuple[float, float] | None:
    """Thresholds of valence and arousal, or None if quadrants are labelled or cannot be derived."""
    columns = next(iter(rows.values())).cells
    if not columns.keys() & set(KINDS):
        raise MerError(
            f"{file} must have a column of labels ({', '.join(KINDS)}), not only {list(columns)}; {REMEDY}"
        )
    if "quadrant" in columns or not {"valence", "arousal"} <= set(columns):
        return None
    points = [(row.number("valence"), row.number("arousal")) for row in rows.values()]
    try:
        return labels.midpoints(*zip(*points))
    except MerError as error:
        raise MerError(f"{file}: {error}") from error


def thresholds(root: Path) -> tuple[float, float] | None:
    """Thresholds above which valence and arousal are high, in the scale of ``labels.csv``.

    They are the midpoints of two clusters of the annotations, see ``mer.targets.labels.midpoints``. None if
    quadrants are not derived from valence and arousal.

    Raises
    ------
    MerError
        If there is no column of labels, a cell is not a number, or all points are the same.
    """
    return _thresholds(root / LABELS, _rows(root))


def _quadrant(row: spreadsheets.Row, limits: tuple[float, float] | None) -> str:
    """The labelled quadrant, or the one of valence and arousal; empty where there is neither."""
    if limits is not None:
        return labels.quadrant(row.number("valence"), row.number("arousal"), limits)
    return row.choice("quadrant", QUADRANTS) if "quadrant" in row.cells else ""


def _label(row: spreadsheets.Row) -> str | None:
    """The class of the song, if the column is there; then every song must have one."""
    label = row.text("label")
    if "label" in row.cells and not label:
        raise MerError(
            f"{row.where}: label must name a class, not be empty; write it, or remove the row"
        )
    return label


def _optional(row: spreadsheets.Row, column: str) -> float | None:
    return row.number(column) if row.text(column) else None


def _split(row: spreadsheets.Row) -> dict[str, str]:
    """The side of the song in the corpus' own split, or the name of the fold that tests it."""
    if "split" in row.cells:
        return {"own": row.choice("split", SIDES)}
    if "fold" not in row.cells:
        return {}
    if not (name := row.text("fold")):
        raise MerError(f"{row.where}: fold must name the fold that tests the song; fill the cell")
    return {"own": f"fold {name}"}


def tracks(root: Path) -> list[Track]:
    """The songs that ``labels.csv`` lists, sorted by id.

    Parameters
    ----------
    root : Path
        The folder with ``labels.csv``; the paths of the songs are relative to it.

    Raises
    ------
    MerError
        If the file or a column is missing, an id is duplicated, or a cell has an invalid value;
        the message names file, line and value.
    """
    rows = _rows(root)
    _check_sources([*rows.values()])
    limits = _thresholds(root / LABELS, rows)
    return [
        Track(
            id=id_,
            quadrant=_quadrant(row, limits),
            path=str(_path(row)),
            valence=_optional(row, "valence"),
            arousal=_optional(row, "arousal"),
            artist=row.text("artist"),
            splits=_split(row),
            source=row.text("source"),
            label=_label(row),
        )
        for id_, row in sorted(rows.items())
    ]
