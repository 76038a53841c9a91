"""The first sheet of a workbook, and what claims to be one."""

import pytest

from helpers import workbooks
from mer.errors import MerError
from mer.io import spreadsheets, xlsx_worker


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sheet.xlsx"


def test_cells_are_read_as_they_are_shown(path):
    workbooks.write(
        path,
        [
            ("id", "n", None, " x  y "),
            ("歌, 1", 1.0, None, "NA"),
            (),
            ("b", 2.5, None, "two\nlines"),
        ],
    )
    rows = spreadsheets.read(path, ["id"], "write it")
    assert [tuple(row.cells.values()) for row in rows] == [
        ("歌, 1", "1", "NA"),
        ("b", "2.5", "two lines"),
    ]
    assert list(rows[0].cells) == ["id", "n", "x y"]
    assert [row.where.rsplit(", ")[-1] for row in rows] == ["line 2", "line 4"]


@pytest.mark.parametrize("content", [b"", b"id,Quads\na,Q1\n", b"PK\x03\x04" + bytes(99)])
def test_what_is_no_workbook_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(
        MerError, match=r"sheet.xlsx must be a workbook that can be read .*; write it"
    ):
        xlsx_worker.text(path, "write it")


def test_a_cell_in_the_last_corner_does_not_end_this_process(path):
    workbooks.write_cells(path, {"A1": "id", "XFD1048576": 1})
    assert path.stat().st_size < 2000
    with pytest.raises(MerError, match="its reader ended with SIGABRT"):
        xlsx_worker.text(path, "write it")


@pytest.mark.parametrize(
    ("cell", "match"), [("id", "bytes, more"), ("a" * 9999, "characters, more")]
)
def test_a_large_file_or_text_is_refused(path, monkeypatch, cell, match):
    workbooks.write(path, [(cell,)])
    monkeypatch.setattr(xlsx_worker, "MAX_BYTES", path.stat().st_size - (cell == "id"))
    with pytest.raises(ValueError, match=match):
        xlsx_worker._csv(path)
