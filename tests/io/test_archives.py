"""Archives that nobody trusts: what is refused, and what is unpacked."""

import zipfile

import pytest

from helpers.archives import ATTACKS, tarred, without_utf8_flag, zipped
from helpers.corpora import content
from mer.errors import MerError
from mer.io import archives

ROOM = 2**40
SONGS = (
    ("Set/", b""),
    ("Set/Q1/a.mp3", b"one"),
    ("Set/Q1/\u00e9.mp3", b"two"),
    ("b.csv", b"x,y\n"),
)
FILES = {"Set/Q1/a.mp3": b"one", "Set/Q1/\u00e9.mp3": b"two", "b.csv": b"x,y\n"}


def unpacked(folder, *paths):
    archives.check(paths, ROOM)
    archives.unpack(paths, folder)
    return {str(path): value for path, value in content(folder).items()}


@pytest.mark.parametrize("kind", ATTACKS)
def test_refused(kind, tmp_path):
    write, match = ATTACKS[kind]
    with pytest.raises(MerError, match=match):
        archives.check([write(tmp_path / "x.zip")], ROOM)


def test_a_tar_that_is_all_headers_is_refused(tmp_path, monkeypatch):
    """Each of them is small, and together they fill the memory or take hours."""
    file = tarred(tmp_path / "a.tar", *((f"{number}" * 200, b"") for number in range(9)))
    archives.check([file], ROOM)
    monkeypatch.setattr(archives, "MAX_HEADERS", 9 * 512)
    with pytest.raises(MerError, match="or 4608 bytes of headers"):
        archives.check([file], ROOM)


def test_the_content_of_a_tar_is_no_header(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_HEADERS", 4096)
    file = tarred(tmp_path / "a.tar", ("a", b"x" * 5000), ("b", b"y" * 5000))
    assert unpacked(tmp_path / "new", file) == {"a": b"x" * 5000, "b": b"y" * 5000}


def test_zip(tmp_path):
    assert unpacked(tmp_path / "new", zipped(tmp_path / "a.zip", *SONGS)) == FILES


def test_a_zip_without_the_flag_of_utf8_has_names_in_utf8(tmp_path):
    """As Info-ZIP writes them on Linux."""
    file = without_utf8_flag(zipped(tmp_path / "a.zip", *SONGS))
    with zipfile.ZipFile(file) as stored:
        assert "Set/Q1/\u251c\u2310.mp3" in stored.namelist()
    assert unpacked(tmp_path / "new", file) == FILES


def test_a_zip_of_dos_has_names_in_its_code_page(tmp_path):
    """They are not UTF-8, and those beside them are."""
    file = without_utf8_flag(zipped(tmp_path / "a.zip", ("one \u00e9", b"x"), ("two \u00e9", b"y")))
    file.write_bytes(file.read_bytes().replace(b"one \xc3\xa9", b"one+\x82 "))
    assert unpacked(tmp_path / "new", file) == {"one+\u00e9 ": b"x", "two \u00e9": b"y"}


@pytest.mark.parametrize("packed", ["", "gz", "bz2", "xz"])
def test_tar(tmp_path, packed):
    songs = (("./" + name, value) for name, value in SONGS[1:])
    file = tarred(tmp_path / "a.tar", *songs, packed=packed)
    assert unpacked(tmp_path / "new", file) == FILES


def test_a_tar_with_a_zip_at_its_end_is_a_tar(tmp_path):
    inner = zipped(tmp_path / "in.zip", ("hidden.mp3", b"x"))
    file = tarred(tmp_path / "a.tar", ("in.zip", inner.read_bytes()))
    assert unpacked(tmp_path / "new", file) == {"in.zip": inner.read_bytes()}


def test_several_go_into_one_folder(tmp_path):
    table = tmp_path / "data.CSV"
    table.write_bytes(b"1\n")
    found = unpacked(tmp_path / "new", zipped(tmp_path / "a.zip", *SONGS), table)
    assert found == {**FILES, "data.CSV": b"1\n"}


def test_several_must_not_meet(tmp_path):
    files = [zipped(tmp_path / f"{name}.zip", ("x/a.mp3", b"x")) for name in "ab"]
    with pytest.raises(MerError, match=r"b\.zip: .* there already"):
        archives.check(files, ROOM)


def test_attributes_of_macos_are_left_out(tmp_path):
    extra = (("__MACOSX/Set/Q1/._a.mp3", b"x"), ("Set/.DS_Store", b"x"), ("Set/Q1/._a.mp3", b"x"))
    file = zipped(tmp_path / "a.zip", *SONGS, *extra)
    assert archives.check([file], ROOM) == (3, 10 + 3)
    assert unpacked(tmp_path / "new", file) == FILES


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    with pytest.raises(MerError, match="at most 3 members, and its first 4"):
        archives.check([zipped(tmp_path / "a.zip", *SONGS)], ROOM)


def test_too_many_bytes(tmp_path, monkeypatch):
    file = zipped(tmp_path / "a.zip", *SONGS)
    monkeypatch.setattr(archives, "MAX_BYTES", 10)
    archives.check([file], ROOM)
    monkeypatch.setattr(archives, "MAX_BYTES", 9)
    with pytest.raises(MerError, match="at most 0 GiB, and its first 4 members already claim 10"):
        archives.check([file], ROOM)


def test_more_than_the_disk_has_room_for(tmp_path):
    files = [zipped(tmp_path / f"{name}.zip", (f"{name}.wav", b"x" * 600)) for name in "ab"]
    archives.check(files, 1200)
    with pytest.raises(MerError, match=r"b\.zip must unpack to no more than the 0 MiB"):
        archives.check(files, 1199)


def test_damaged_content_is_refused(tmp_path):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as stored:
        stored.writestr("a.mp3", b"the content")
    file.write_bytes(file.read_bytes().replace(b"the content", b"The content"))
    with pytest.raises(MerError, match=r"whole zip or tar archive \(BadZipFile: Bad CRC-32"):
        unpacked(tmp_path / "new", file)


def test_a_tar_whose_last_file_is_cut_off(tmp_path):
    file = tarred(tmp_path / "a.tar", ("a.mp3", b"x" * 20_000))
    file.write_bytes(file.read_bytes()[:10_000])
    with pytest.raises(MerError, match="whole zip or tar archive"):
        unpacked(tmp_path / "new", file)
