import time

import pytest

from mer.errors import MerError
from mer.io import spreadsheets
from mer.io.files import write_csv


@pytest.fixture
def read(tmp_path):
    """Rows of a file of the given bytes."""

    def read(content):
        path = tmp_path / "sheet.csv"
        path.write_bytes(content)
        return spreadsheets.read(path, ["id"], "write it")

    return read


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_mark_do_not_matter(read, end, mark):
    rows = read(mark + end.join([b" id ,n", b"a,1", b"", b'"b, c",2', b""]))
    assert [dict(row.cells) for row in rows] == [{"id": "a", "n": "1"}, {"id": "b, c", "n": "2"}]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_utf8_or_cp1252(read, encoding):
    assert read("id\nBjörk’s\n".encode(encoding))[0].text("id") == "Björk’s"


def test_a_row_knows_its_line(read):
    assert [row.where[-6:] for row in read(b'id\n"a\nb"\nc\n')] == ["line 3", "line 4"]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", r"sheet.csv must have a column 'id', not only \[\]; write it"),
        (b"name\na\n", r"must have a column 'id', not only \['name'\]; write it"),
        (b"id,n,n \na,1,2\n", "the column 'n' is there twice"),
        (b"id\n", "must have at least one row; write it"),
        (b"id,n\na\n", "line 2 must have 2 cells, not 1"),
        (b'id\n"a\n', r"line 2 must be CSV \(unexpected end of data\)"),
        (b"id\n\x81\n", "must be text in UTF-8 or cp1252"),
    ],
)
def test_what_is_no_sheet_is_refused(read, content, match):
    with pytest.raises(MerError, match=match):
        read(content)


TABLE = "id,n\nä1,1\nb,2\n"
DRESSED = {
    "semicolons": TABLE.replace(",", ";").encode(),
    "tabs": TABLE.replace(",", "\t").encode(),
    "Excel's hint": ("sep=;\r\n" + TABLE.replace(",", ";")).encode(),
    "UTF-16": TABLE.replace(",", "\t").encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + TABLE.encode("utf-16-be"),
    "UTF-16 and its end of DOS": (TABLE + "\x1a\0").encode("utf-16"),
    "UTF-32": TABLE.encode("utf-32"),
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbf" + TABLE.encode(),
    "blank columns": b"id,n,,\n\xc3\xa41,1,,\nb,2,,\n",
    "blank rows": (TABLE + ",,\n , \n").encode(),
    "blanks after commas": b'id, n\n\xc3\xa41, "1"\nb, 2\n',
    "old Mac": TABLE.replace("\n", "\r").encode(),
    "zero bytes at the end": TABLE.encode() + bytes(8),
    "end of DOS": TABLE.encode() + b"\x1a",
    "cp1252": TABLE.encode("cp1252"),
}


@pytest.mark.parametrize("dress", DRESSED)
def test_what_spreadsheets_export_is_read(read, dress):
    found = [(row.text("id"), row.number("n")) for row in read(DRESSED[dress])]
    assert found == [("ä1", 1.0), ("b", 2.0)]


def test_a_file_that_is_not_utf8_is_told_with_a_word_to_check(read, caplog):
    read("id\nDvořák\n".encode("cp1250"))
    assert (
        "is not UTF-8 and is read as cp1252, with 'Dvoøák'; if that is wrong, save" in caplog.text
    )


def test_a_comma_is_a_point_where_none_is_between_cells(read):
    assert read(b"id;n\na;0,5\n")[0].number("n") == 0.5


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"PK\x03\x04\0\xff", r"is a workbook or another archive; give it the suffix \.xlsx"),
        (b"\n <HTML><body>", "is a web page; download the file itself"),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "is a pointer of Git LFS; run `git lfs pull`",
        ),
        (TABLE.encode("utf-16-le"), "looks like UTF-16 without its mark; save it"),
        ("id\n久石譲\n".encode("shift_jis"), "must be text in UTF-8 or cp1252; save it"),
        (b"\x01" * 300, r"not only \['(\\x01){40}'\]; write it"),
    ],
)
def test_what_is_no_table_is_told_with_what_to_do(read, content, match):
    with pytest.raises(MerError, match=match):
        read(content)


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("letter", ["\u011a", "\u1a00", "\u0100"])
def test_a_last_letter_whose_bytes_are_an_end_of_dos_stays(read, mark, letter):
    """In UTF-16, the letter U+011A ends in the byte 1A."""
    encoding = "utf-16-be" if mark else "utf-8"
    assert read(f"{mark}id\na{letter}".encode(encoding))[0].text("id") == f"a{letter}"


def test_a_table_of_many_columns_is_read_at_once(read):
    names = ",".join(["id", *map(str, range(100_000))])
    started = time.process_time()
    assert len(read(f"{names}\n{names}\n".encode())) == 1
    assert time.process_time() - started < 10


def test_a_long_cell_is_read(read):
    assert len(read(b"id,lyrics\na," + 200_000 * b"la " + b"\n")) == 1


def test_a_choice_in_another_case_is_taken():
    row = spreadsheets.Row("here", {"side": "\u200bTrain"})
    assert row.choice("side", ("train", "val")) == "train"


def test_missing_file_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(
        MerError, match=r"none.csv must be a readable file \(No such file.*\); write it"
    ):
        spreadsheets.read(tmp_path / "none.csv", [], "write it")


@pytest.mark.parametrize("cell", ["", "x", "nan", "inf", "1,5"])
def test_what_is_no_finite_number_is_refused(cell):
    with pytest.raises(MerError, match=f"here: n must be a finite number, not '{cell}'"):
        spreadsheets.Row("here", {"n": cell}).number("n")


def test_a_choice_is_read_without_blanks_and_checked():
    row = spreadsheets.Row("here", {"side": " val ", "other": "dev"})
    assert row.choice("side", ("train", "val")) == "val"
    with pytest.raises(MerError, match="here: other must be one of train, val, not 'dev'"):
        row.choice("other", ("train", "val"))


def test_an_id_stands_once(read):
    with pytest.raises(
        MerError, match=r"line 4: the clip 'a' must have one row.*line 2; remove one"
    ):
        spreadsheets.by_id(read(b"id\na\nb\na\n"), lambda row: row.cells["id"])


def test_what_is_written_is_read(tmp_path, read):
    rows = [("id", "n"), ('a "b"\n\U0001f3b5', 1), ("c, d", None), ("e\rf", 2)]
    write_csv(tmp_path / "new" / "sheet.csv", rows)
    found = spreadsheets.read(tmp_path / "new" / "sheet.csv", ["id"], "")
    assert [tuple(row.cells.values()) for row in found] == [
        ('a "b"\n\U0001f3b5', "1"),
        ("c, d", ""),
        ("e\rf", "2"),
    ]
