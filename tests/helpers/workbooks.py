"""Workbooks (.xlsx) of plain cells, for tests: what Excel writes, without what it adds."""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
RELATION = f'<Relationship Id="r1" Type="{OFFICE}/%s" Target="%s"/>'
RELATIONS = f'<Relationships xmlns="{PACKAGE}relationships">{RELATION}</Relationships>'
FILES = {
    "[Content_Types].xml": (
        f'<Types xmlns="{PACKAGE}content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName='
        '"/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
    ),
    "_rels/.rels": RELATIONS % ("officeDocument", "xl/workbook.xml"),
    "xl/_rels/workbook.xml.rels": RELATIONS % ("worksheet", "worksheets/sheet1.xml"),
    "xl/workbook.xml": (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="Sheet1" sheetId="1" '
        'r:id="r1"/></sheets></workbook>'
    ),
}


def _cell(place: str, value: object) -> str:
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def write_cells(path: Path, cells: dict[str, object]) -> None:
    """Write cells by their place, ``A1`` and the like, each in a row element of its own."""
    rows = "".join(f"<row>{_cell(place, value)}</row>" for place, value in cells.items())
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**FILES, "xl/worksheets/sheet1.xml": sheet}.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)


def write(path: Path, rows: list[tuple]) -> None:
    """Write a table of text and numbers; None is no cell."""
    write_cells(
        path,
        {
            f"{'ABCDEFGH'[column]}{row}": value
            for row, cells in enumerate(rows, 1)
            for column, value in enumerate(cells)
            if value is not None
        },
    )
