"""Untrusted zip and tar archives: every member is checked before the first one is unpacked."""

import bz2
import gzip
import lzma
import re
import shutil
import stat
import struct
import sys
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from mer.errors import MerError

MAX_MEMBERS = 200_000
MAX_BYTES = 64 * 2**30  # of all members, unpacked
# Unpacked bytes per byte of the archive; audio hardly shrinks, tables shrink tenfold.
MAX_RATIO = 100
MAX_NAME = 255  # bytes of a file's name, as most file systems allow
MAX_DEPTH = 32  # folders
MAX_PATH = 2048  # bytes of a path in the archive; systems allow 4096 with the folders above it
MAX_HEADER = 2**20  # bytes of a tar header; a longer one only fills the memory
MAX_HEADERS = 2**29  # bytes of all of them in an archive: 2.6 KiB for each of the most members
MAX_SHARED = 1000  # entries of the header that holds for all members; a few are usual
UTF8_FLAG = 0x800  # of a zip entry whose name is UTF-8
FILE, FOLDER = "a file", "a folder"
PACKED: dict[bytes, Callable[[IO[bytes]], Any]] = {  # by the first two bytes
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}
ZIPS = (b"PK\3\4", b"PK\5\6")  # first bytes of a zip archive, and of an empty one
FAULTS = (
    *(zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, lzma.LZMAError, zlib.error),
    *(struct.error, EOFError, NotImplementedError, ValueError, OverflowError, RecursionError),
    *(FileNotFoundError, PermissionError, IsADirectoryError),
)


class Member(NamedTuple):
    """One entry of an archive.

    Attributes
    ----------
    name : str
        As stored.
    size : int
        Unpacked bytes, as the archive claims.
    kind : str
        ``FILE``, ``FOLDER`` or what else it is, for messages.
    open : callable
        Opens the content of a file.
    """

    name: str
    size: int
    kind: str
    open: Callable[[], IO[bytes] | None]

    @property
    def path(self) -> str:
        """The name without ``./`` and double slashes; ``.`` is the folder that is unpacked into."""
        return str(PurePosixPath(self.name))


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    """The stored name; where no flag says how it is encoded, UTF-8 if its bytes are, or else cp437.

    ``metadata_encoding`` of ``ZipFile`` would take one encoding for all names, and fail at another.
    """
    if info.flag_bits & UTF8_FLAG:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeDecodeError:
        return info.orig_filename


def _kind_in_zip(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & 1:
        return "encrypted"
    kinds = {0: FILE, stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: "a symbolic link"}
    kind = kinds.get(stat.S_IFMT(info.external_attr >> 16), "a device or a pipe")
    return FOLDER if kind == FILE and info.is_dir() else kind


def _kind_in_tar(info: tarfile.TarInfo) -> str:
    if info.issparse():
        return "a sparse file"
    kinds = {tarfile.DIRTYPE: FOLDER, tarfile.SYMTYPE: "a symbolic link", tarfile.LNKTYPE: "a link"}
    return FILE if info.isreg() else kinds.get(info.type, "a device or a pipe")


class _Headers:
    """A stream that refuses to read much at once or in all, which only malicious tar headers ask for."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.seek, self.tell, self._read = stream.seek, stream.tell, stream.read
        self.left = MAX_HEADERS

    def read(self, size: int = -1) -> bytes:
        """The next ``size`` bytes."""
        if not 0 <= size <= min(MAX_HEADER, self.left):
            raise tarfile.ReadError(f"a header of {size} bytes, or {MAX_HEADERS} bytes of headers")
        self.left -= size
        return self._read(size)


def _in_zip(stream: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as file:
        for info in file.infolist():
            opened = partial(file.open, info)
            yield Member(_name_in_zip(info), info.file_size, _kind_in_zip(info), opened)


def _in_tar(stream: IO[bytes]) -> Iterator[Member]:
    start = stream.read(2)
    stream.seek(0)
    unpacked = PACKED[start](stream) if start in PACKED else stream
    headers = _Headers(unpacked)
    with tarfile.open(fileobj=headers, mode="r:") as file:  # type: ignore[call-overload]
        while info := file.next():
            if info.size < 0 or len(file.pax_headers) > MAX_SHARED:
                raise tarfile.ReadError("a header with a negative size or with too many entries")
            file.members.clear()  # they hold their headers
            left, headers.left = headers.left, sys.maxsize  # what is read of a content is no header
            yield Member(info.name, info.size, _kind_in_tar(info), partial(file.extractfile, info))
            headers.left = left


def members(archive: Path) -> Iterator[Member]:
    """The entries of a zip or tar archive, in their order, or a ``.csv`` file as the only one.

    An entry can be opened until the next one is asked for.

    Raises
    ------
    MerError
        If the file is no such archive, or damaged.
    """
    with readable(archive), archive.open("rb") as stream:
        if archive.suffix.lower() == ".csv":
            yield Member(archive.name, archive.stat().st_size, FILE, lambda: archive.open("rb"))
            return
        in_zip = stream.read(4) in ZIPS
        stream.seek(0)
        yield from (_in_zip if in_zip else _in_tar)(stream)


@contextmanager
def readable(archive: Path) -> Iterator[None]:
    """Turn the errors of damaged archives into a ``MerError``; those of a full disk pass."""
    try:
        yield
    except FAULTS as error:
        raise MerError(
            f"{archive} must be a whole zip or tar archive ({type(error).__name__}: {error}); get it "
            "again"
        ) from error


def _fault_of_name(name: str) -> str | None:
    """Why a name must not be written to a disk, or None."""
    parts = name.split("/")
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "an absolute path"
    if ".." in parts:
        return "a path that leads out of its folder"
    if "\\" in name or any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        return "a name with a backslash, a control character or bytes that are not UTF-8"
    if max(len(part.encode()) for part in parts) > MAX_NAME or len(parts) > MAX_DEPTH:
        return f"a name of more than {MAX_NAME} bytes or in more than {MAX_DEPTH} folders"
    if len(name.encode()) > MAX_PATH:
        return f"a path of more than {MAX_PATH} bytes"
    return None


class _Paths:
    """The paths met so far; on some disks, names that differ in case or in Unicode form are one."""

    def __init__(self) -> None:
        self._met: dict[str, tuple[str, str]] = {}  # folded -> path, kind

    def fault(self, path: str, kind: str) -> str | None:
        """Why a path cannot be written beside the earlier ones, or None."""
        pure = PurePosixPath(path)
        for place, its_kind in ((pure, kind), *((above, FOLDER) for above in pure.parents)):
            folded = unicodedata.normalize("NFC", str(place)).casefold()
            other, other_kind = self._met.get(folded, (str(place), FOLDER))
            if other != str(place):
                return f"a name that differs from {other!r} only in case or in Unicode form"
            if folded in self._met and FILE in (its_kind, other_kind):
                return "a name that is there already"
            self._met[folded] = (other, its_kind)
        return None


def _of_macos(path: str) -> bool:
    """Whether a file only holds attributes of macOS."""
    name = PurePosixPath(path).name
    return path.startswith("__MACOSX/") or name.startswith("._") or name == ".DS_Store"


def _fault(member: Member, paths: _Paths) -> str | None:
    """Why a member must not be unpacked, or None."""
    if fault := _fault_of_name(member.name):
        return fault
    if member.kind not in (FILE, FOLDER):
        return member.kind
    return paths.fault(member.path, member.kind)


def _check_size(archive: Path, count: int, size: int, room: int) -> None:
    """Refuse an archive by the number and the unpacked bytes of the members seen so far."""
    limits = {
        f"at most {MAX_MEMBERS} members": count <= MAX_MEMBERS,
        f"at most {MAX_BYTES >> 30} GiB": size <= MAX_BYTES,
        f"at most {MAX_RATIO} times its own size": size <= MAX_RATIO * archive.stat().st_size,
        f"no more than the {room >> 20} MiB that are free on the disk": size <= room,
    }
    if broken := [limit for limit, kept in limits.items() if not kept]:
        raise MerError(
            f"{archive} must unpack to {broken[0]}, and its first {count} members already claim {size} "
            "bytes; nothing was unpacked"
        )


def check(archives: Sequence[Path], room: int) -> tuple[int, int]:
    """Refuse archives that would write outside of their folder, over one another, or without end.

    Parameters
    ----------
    archives : sequence of Path
        They are unpacked into one folder.
    room : int
        Free bytes of the disk.

    Returns
    -------
    (int, int)
        Number of files to unpack, and their bytes.

    Raises
    ------
    MerError
        If a member is no plain file or folder, its name is not safe, or there are too many or too large.
    """
    paths, files, total = _Paths(), 0, 0
    for archive in archives:
        size = 0
        for count, member in enumerate(members(archive), start=1):
            if fault := _fault(member, paths):
                raise MerError(
                    f"{archive}: every member must be a plain file or folder of its own, with a relative "
                    f"path, and {member.name!r} is {fault}; nothing was unpacked"
                )
            size += member.size
            _check_size(archive, count, size, room - total)
            files += member.kind == FILE and not _of_macos(member.path)
        total += size
    return files, total


def unpack(archives: Iterable[Path], folder: Path) -> None:
    """Write the files of archives that ``check`` has accepted; attributes of macOS are left out.

    Raises
    ------
    MerError
        If the content of a file is damaged.
    """
    for archive in archives:
        for member in members(archive):
            target = folder / member.path
            if member.kind == FOLDER:
                target.mkdir(parents=True, exist_ok=True)
            elif not _of_macos(member.path):
                target.parent.mkdir(parents=True, exist_ok=True)
                with readable(archive):
                    _write(member, target)


def _write(member: Member, target: Path) -> None:
    with member.open() as source, target.open("xb") as file:  # type: ignore[union-attr]
        shutil.copyfileobj(source, file, MAX_HEADER)
        if file.tell() != member.size:
            raise EOFError(f"{member.name!r} has {file.tell()} of {member.size} bytes")
