"""Atomic writing of files and folders, and reading of untrusted files."""

import csv
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from mer.errors import MerError
from mer.runtime.locks import try_lock


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A temporary folder ``.<name>.<letters>.tmp``; it and those of killed processes are removed.

    Its process holds a lock of it: a folder without one is of a process that has ended.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for found in target.parent.glob(f".{escape(target.name)}.*.tmp"):
        with try_lock(found) as abandoned:
            if abandoned:
                _remove(found)
    while True:
        temporary = Path(mkdtemp(".tmp", f".{target.name}.", target.parent))
        with try_lock(temporary) as ours:
            if not ours:  # before the lock, another process took it for abandoned
                continue
            try:
                yield temporary
            finally:
                _remove(temporary)
            return


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """A temporary folder that replaces ``target`` when the block ends without an exception.

    An exception removes it and leaves ``target`` unchanged. After a kill, ``target`` is the complete old
    folder, the complete new one or missing, and the next call removes the temporary folder.
    """
    with beside(target) as temporary:
        new = temporary / "new"
        new.mkdir()
        yield new
        if target.exists():
            target.rename(temporary / "old")
        new.rename(target)


@contextmanager
def writing_file(target: Path) -> Iterator[Path]:
    """A path whose file replaces ``target`` when the block ends without an exception."""
    with beside(target) as temporary:
        yield temporary / "new"
        (temporary / "new").replace(target)


def write_bytes(target: Path, content: bytes) -> None:
    """Write a file atomically."""
    with writing_file(target) as new:
        new.write_bytes(content)


def write_text(target: Path, text: str) -> None:
    """Write a text file in UTF-8 atomically."""
    write_bytes(target, text.encode())


def write_json(target: Path, content: Any) -> None:
    """Write JSON atomically, with the keys in the given order."""
    write_text(target, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(
    target: Path,
    rows: Iterable[Sequence[object]],
    *,
    lineterminator: str = "\r\n",
    quoting: int = csv.QUOTE_MINIMAL,
) -> None:
    """Write a CSV file in UTF-8 atomically, header first.

    Parameters
    ----------
    lineterminator : str
        With RFC 4180's, the default, a cell may hold any line break.
    quoting : int
        One of the csv module's constants.
    """
    with writing_file(target) as new, new.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator=lineterminator, quoting=quoting).writerows(rows)  # type: ignore[arg-type]


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; False, not an error, where that cannot be found out."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether a path is a file; False, not an error, where that cannot be found out."""
    try:
        return path.is_file()
    except OSError:
        return False


def check_apart(target: Path, inputs: Iterable[Path]) -> None:
    """Refuse, before the work, an output that is one of the inputs or lies in one, links followed or not.

    Parameters
    ----------
    inputs : iterable of Path
        The files and folders that the command reads; some may be missing.

    Raises
    ------
    MerError
        With the first such input.
    """
    places = target.resolve(), target.parent.resolve() / target.name
    for given in inputs:
        source = given.resolve()
        if any(place.is_relative_to(source) for place in places):
            how = "is" if source in places else "lies in"
            raise MerError(
                f"the output must not be an input or lie in one, and {target} {how} the input {given}; "
                "choose another place"
            )


def followed(target: Path) -> Path:
    """The file that an output leads to where it is a link, which stays; the output itself otherwise."""
    return Path(os.path.realpath(target)) if target.is_symlink() else target


def check_writable(target: Path) -> None:
    """Refuse, before the work, a file that could not be written after it.

    Raises
    ------
    MerError
        If the path is ``-``, a folder or a write-protected file, or its folder cannot be made or written.
    """
    if target.is_file() and not os.access(target, os.W_OK):
        raise MerError(
            f"the output must be writable, and {target} is write-protected; choose another place, or "
            "allow writing with `chmod u+w`"
        )
    if is_folder(target):
        raise MerError(
            f"the output must be a file, and {target} is a folder; add the name of a file"
        )
    check_place(followed(target))


def check_place(target: Path) -> None:
    """Refuse, before the work, a file or folder that could not be written after it.

    Raises
    ------
    MerError
        If it is ``-``, or the folder that it lies in cannot be made or written.
    """
    if target == Path("-"):
        raise MerError(
            "the output must have a name, and - stands for standard output, which this command does not "
            "write to; choose a name"
        )
    try:
        with beside(target):
            pass
    except OSError as error:
        raise MerError(
            f"the output {target} must be writable, and cannot be ({error.strerror}); choose another place"
        ) from error


def _remedy(path: Path) -> str:
    """How to restore a file of the project: the ledger is in Git, and stages make the rest."""
    in_git = path.parts[:2] == ("metrics", "experiments")
    return f"run `git checkout {path}`" if in_git else "run `dvc repro`"


@contextmanager
def reading(path: Path, what: str, remedy: str | None = None) -> Iterator[None]:
    """Turn any exception in the block into a ``MerError`` that names the file.

    Parameters
    ----------
    what : str
        Description of a valid file, for the message.
    remedy : str or None
        What to do; None for the command that restores a file of the project.
    """
    try:
        yield
    except (MerError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            raise
        fault = f"{type(error).__name__}: {error}"
        raise MerError(f"{path} must be {what} ({fault}); {remedy or _remedy(path)}") from error


@contextmanager
def csv_rows(path: Path, what: str) -> Iterator[Iterator[dict[str, str]]]:
    """The rows of a CSV file, each a mapping of column to cell; errors in the block are as of ``reading``.

    Parameters
    ----------
    what : str
        What the file must be, for the error.
    """
    with reading(path, what), path.open(encoding="utf-8", newline="") as stream:
        yield csv.DictReader(stream)


def sha256(path: Path) -> str:
    """The digest of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises
    ------
    MerError
        If the file is missing or is no JSON.
    """
    with reading(path, "a JSON file"):
        return json.loads(path.read_text(encoding="utf-8"))


def read_mapping(path: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    MerError
        If the file is missing or is no JSON object with these keys.
    """
    found = read_json(path)
    if not isinstance(found, dict):
        raise MerError(f"{path} must be a JSON object, not {found!r:.40}; {_remedy(path)}")
    require_keys(found, keys, path)
    return found


def differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """The keys whose values differ in two JSON objects, or that one of them lacks; those of ours first."""
    return [key for key in dict.fromkeys([*ours, *theirs]) if ours.get(key) != theirs.get(key)]


def require_keys(found: Mapping[str, Any], keys: Iterable[str], path: Path) -> None:
    """Refuse a JSON object, read from a file, without one of the keys.

    Raises
    ------
    MerError
        Naming the file and the first key that is missing.
    """
    if missing := [key for key in keys if key not in found]:
        raise MerError(f"{path} must have the key {missing[0]!r}, and has not; {_remedy(path)}")


def read_array(path: Path) -> np.ndarray:
    """Map a ``.npy`` file into memory; pickled objects are refused.

    Raises
    ------
    MerError
        If the file is damaged or no such array.
    """
    with reading(path, "a .npy file of numbers"):
        return np.lib.format.open_memmap(path, mode="r")
