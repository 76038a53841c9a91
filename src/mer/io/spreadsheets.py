"""Tables of a corpus, CSV or .xlsx; every row knows its file and line for error messages."""

import codecs
import csv
import io
import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mer.errors import MerError
from mer.io import xlsx_worker

SAVE = "save it as CSV in UTF-8"
MARKS = (  # of UTF-32 before those of UTF-16, which begin alike
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DELIMITERS = (",", ";", "\t")
ENDS = "\0\x1a"  # of a crash or of DOS, at the end of a file
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
FOREIGN = {  # by their first bytes
    b"pk\x03\x04": ("a workbook or another archive", "give it the suffix .xlsx, or save it as CSV"),
    b"\xd0\xcf\x11\xe0": ("an old workbook", "save it as CSV"),
    b"<": ("a web page", "download the file itself"),
    b"version https://git-lfs": ("a pointer of Git LFS", "run `git lfs pull`"),
}
csv.field_size_limit(2**24)

log = logging.getLogger("mer")


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    where : str
        File and line, for messages.
    cells : mapping of str to str
        Column -> cell, as written.
    decimal_comma : bool
        Whether a number may have a comma in place of the point, because none is between the cells.
    """

    where: str
    cells: Mapping[str, str]
    decimal_comma: bool = False

    def text(self, column: str) -> str | None:
        """The cell with single spaces between words, or None if it is empty or missing."""
        return " ".join(self.cells.get(column, "").split()) or None

    def choice(self, column: str, allowed: Collection[str]) -> str:
        """The cell, which must be one of ``allowed``, in any case.

        Raises
        ------
        MerError
            If it is not.
        """
        written = (self.text(column) or "").strip(INVISIBLE)
        known = {name.casefold(): name for name in allowed}
        value = written if written in allowed else known.get(written.casefold())
        if value is None:
            raise MerError(
                f"{self.where}: {column} must be one of {', '.join(allowed)}, "
                f"not {self.cells.get(column)!r}; correct the cell"
            )
        return value

    def numeral(self, column: str) -> str:
        """The cell, with a point in place of its decimal comma."""
        cell = self.cells[column]
        return cell.replace(",", ".", 1) if self.decimal_comma else cell

    def number(self, column: str) -> float:
        """The cell as a finite number.

        Raises
        ------
        MerError
            If it is not.
        """
        try:
            cell = self.numeral(column)
            value = float(cell)
        except ValueError:
            value = math.nan
        if "_" in cell:  # Python takes 3_5 for 35
            value = math.nan
        if not math.isfinite(value):
            raise MerError(
                f"{self.where}: {column} must be a finite number, not {self.cells[column]!r}; "
                "correct the cell or remove the row"
            )
        return value


def _content(path: Path, remedy: str) -> bytes:
    """The bytes of a file that may be a table."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MerError(f"{path} must be a readable file ({error.strerror}); {remedy}") from error
    for start, (what, advice) in FOREIGN.items():
        if content.lstrip()[: len(start)].lower() == start:
            raise MerError(f"{path} must be a table in CSV, and is {what}; {advice}")
    return content


def _decode(path: Path, remedy: str) -> str:
    """The text of a file: in the encoding of its byte-order mark, or else in UTF-8, or else in cp1252."""
    content = _content(path, remedy)
    marked = next((name for mark, name in MARKS if content.startswith(mark)), None)
    if marked and marked != "utf-8":
        content += bytes(-len(content) % 4)  # of the last character, where some are gone
    elif 4 * (content := content.rstrip(ENDS.encode())).count(0) > len(content):
        raise MerError(f"{path} must be text, and looks like UTF-16 without its mark; {SAVE}")
    try:
        return content.decode(marked or "utf-8").strip("\ufeff" + ENDS)
    except UnicodeDecodeError as error:
        if marked:
            raise MerError(f"{path} must be text in UTF-8 ({error.reason}); {SAVE}") from error
        return _cp1252(path, content)


def _cp1252(path: Path, content: bytes) -> str:
    """The text of a file in cp1252; a warning shows the first word that depends on it."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise MerError(f"{path} must be text in UTF-8 or cp1252; {SAVE}") from error
    word = next(word for word in text.split() if not word.isascii())
    log.warning(
        "%s is not UTF-8 and is read as cp1252, with %r; if that is wrong, %s", path, word, SAVE
    )
    return text


def _delimiter(text: str, columns: Iterable[str]) -> tuple[str, str]:
    """The delimiter that the header has between ``columns``, and the text without Excel's hint on it."""
    first, _, rest = text.partition("\n")
    if (hint := first.strip()).startswith("sep=") and len(hint) == 5:
        return hint[-1], rest
    named = {
        delimiter: {cell.strip().strip('"') for cell in first.split(delimiter)}
        for delimiter in DELIMITERS
    }
    fitting = [d for d in DELIMITERS if len(named[d]) > 1 and named[d].issuperset(columns)]
    return (fitting or [DELIMITERS[0]])[0], text


def _shown(header: Sequence[str]) -> str:
    """The first column names for a message, shortened."""
    names = ", ".join(repr(name[:40]) for name in header[:10])
    return f"[{names}{', …' if header[10:] else ''}]"


def _header(path: Path, cells: Sequence[str], columns: Iterable[str], remedy: str) -> list[str]:
    """The column names, stripped; checked to be unique and to include ``columns``."""
    header = [name.strip() for name in cells]
    while header and not header[-1]:  # Excel's empty columns
        del header[-1]
    missing = [column for column in columns if column not in header]
    if missing:
        raise MerError(
            f"{path} must have a column {missing[0]!r}, not only {_shown(header)}; {remedy}"
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise MerError(f"{path}: the column {twice[0]!r} is there twice; rename or remove one")
    return header


def _cells(cells: list[str], count: int, where: str) -> list[str]:
    """The cells of a row, without blank ones behind the last column."""
    if not any(cell.strip() for cell in cells[count:]):
        cells = cells[: max(count, 1)]
    if len(cells) != count:
        raise MerError(
            f"{where} must have {count} cells, not {len(cells)}; put cells that hold the delimiter "
            "in quotes, or remove the extra ones"
        )
    return cells


def _is_filled(cells: Sequence[str]) -> bool:
    return any(cell.strip() for cell in cells)


def read(path: Path, columns: Iterable[str], remedy: str) -> list[Row]:
    """Read the rows of a CSV file or of the first sheet of an .xlsx file; blank rows are skipped.

    Commas, semicolons or tabs may be between the cells of a CSV file. It may be in UTF-8, in UTF-16 or
    UTF-32 with a byte-order mark, or in cp1252, which a warning tells.

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
        than the header, there is no row, or the file is no text.
    """
    columns = list(columns)
    text = (xlsx_worker.text if path.suffix == ".xlsx" else _decode)(path, remedy)
    delimiter, text = _delimiter(text, columns)
    stream = io.StringIO(text, newline="")
    spaced = f"{delimiter} " in text.partition("\n")[0]
    lines = csv.reader(stream, strict=True, delimiter=delimiter, skipinitialspace=spaced)
    rows = []
    try:
        header = _header(path, next(filter(_is_filled, lines), []), columns, remedy)
        for cells in lines:
            if _is_filled(cells):
                where = f"{path}, line {lines.line_num}"
                named = dict(zip(header, _cells(cells, len(header), where)))
                rows.append(Row(where, named, decimal_comma=delimiter != ","))
    except csv.Error as error:
        raise MerError(f"{path}, line {lines.line_num} must be CSV ({error}); {SAVE}") from error
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
