"""Tables of a corpus, CSV or .xlsx; every row knows its file and line for error messages."""

import csv
import io
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mer.errors import MerError
from mer.io import xlsx_worker


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    where : str
        File and line, for messages.
    cells : mapping of str to str
        Column -> cell, as written.
    """

    where: str
    cells: Mapping[str, str]

    def text(self, column: str) -> str | None:
        """The cell with single spaces between words, or None if it is empty or missing."""
        return " ".join(self.cells.get(column, "").split()) or None

    def choice(self, column: str, allowed: Collection[str]) -> str:
        """The cell, which must be one of ``allowed``.

        Raises
        ------
        MerError
            If it is not.
        """
        value = self.text(column)
        if value is None or value not in allowed:
            raise MerError(
                f"{self.where}: {column} must be one of {', '.join(allowed)}, "
                f"not {self.cells.get(column)!r}; correct the cell"
            )
        return value

    def number(self, column: str) -> float:
        """The cell as a finite number.

        Raises
        ------
        MerError
            If it is not.
        """
        try:
            value = float(self.cells[column])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise MerError(
                f"{self.where}: {column} must be a finite number, not {self.cells[column]!r}; "
                "correct the cell or remove the row"
            )
        return value


def _decode(path: Path, remedy: str) -> str:
    """The text of a file in UTF-8, with or without a byte-order mark, or else in cp1252."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MerError(f"{path} must be a readable file ({error.strerror}); {remedy}") from error
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise MerError(f"{path} must be text in UTF-8 or cp1252; save it as UTF-8")


def _header(path: Path, cells: Sequence[str], columns: Iterable[str], remedy: str) -> list[str]:
    """The column names, stripped; checked to be unique and to include ``columns``."""
    header = [name.strip() for name in cells]
    missing = [column for column in columns if column not in header]
    if missing:
        raise MerError(f"{path} must have a column {missing[0]!r}, not only {header}; {remedy}")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise MerError(f"{path}: the column {twice[0]!r} is there twice; rename or remove one")
    return header


def read(path: Path, columns: Iterable[str], remedy: str) -> list[Row]:
    """Read the rows of a CSV file or of the first sheet of an .xlsx file; blank rows are skipped.

    Parameters
    ----------
    columns : iterable of str
        Required columns; others are kept.
    remedy : str
        Advice for the error message if the file or a column is missing.

    Raises
    ------
    MerError
        If the file or a column is missing, a column is duplicated, a row has another number of cells
        than the header, or there is no row.
    """
    text = (xlsx_worker.text if path.suffix == ".xlsx" else _decode)(path, remedy)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    try:
        header = _header(path, next(lines, []), columns, remedy)
        for cells in filter(None, lines):
            where = f"{path}, line {lines.line_num}"
            if len(cells) != len(header):
                raise MerError(f"{where} must have {len(header)} cells, not {len(cells)}")
            rows.append(Row(where, dict(zip(header, cells))))
    except csv.Error as error:
        raise MerError(f"{path}, line {lines.line_num} must be CSV ({error})") from error
    if not rows:
        raise MerError(f"{path} must have at least one row; {remedy}")
    return rows


def by_id(rows: Iterable[Row], identify: Callable[[Row], str]) -> dict[str, Row]:
    """Rows by their id.

    Raises
    ------
    MerError
        If an id is duplicated.
    """
    found: dict[str, Row] = {}
    for row in rows:
        first = found.setdefault(identify(row), row)
        if first is not row:
            raise MerError(
                f"{row.where}: the clip {identify(row)!r} must have one row and already has one in "
                f"{first.where}; remove one of them"
            )
    return found
