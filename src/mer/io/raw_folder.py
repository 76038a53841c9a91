"""The folder of a corpus, and its entries that DVC cannot hash, or that a stage reads and DVC does not.

DVC waits for ever at a pipe, stops at a name that is not UTF-8, and passes over linked folders: a change
behind one would never run a stage again.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mer.errors import MerError
from mer.io.audio_files import unreadable_folder
from mer.types import MINIATURE

RENDERED = "rendered by the stage"  # how the source of a demo corpus begins
UNSEEN = (".git", ".hg", ".dvc", "__pycache__")  # folders that DVC passes over
DVCIGNORE = ".dvcignore"
EXPERIMENTS = ".dvc/tmp/exps/"  # where `dvc exp run --temp` and `--queue` run
VIRTUAL = ("/proc", "/sys")
KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def of_corpus(key: str, source: str, raw: Path) -> Path:
    """The folder of a corpus.

    Parameters
    ----------
    key : str
        Key of the corpus in params/corpora.yaml.
    source : str
        Where the corpus can be had.
    raw : Path
        ``data/raw``.

    Raises
    ------
    MerError
        If the folder is missing; the message says where to get it.
    """
    if (root := raw / key).is_dir():
        return root
    remedy = f"get it from {source}"
    if source.startswith(RENDERED):
        remedy = f"render it with `dvc repro data/dvc.yaml:render@{key}`"
    elif key.startswith(MINIATURE):
        remedy = f"add a block demos.{key} (seed, seconds) to params/demos.yaml, to render it"
    if EXPERIMENTS in Path.cwd().as_posix():  # a copy that DVC has made, of what Git and DVC track
        remedy = f"give `dvc exp run` the option -C {root}, which copies it into the experiment"
    raise MerError(
        f"dataset {key!r} must lie in {root}, a folder or a link to one, and there is none; {remedy}"
    )


def _unseen(entry: os.DirEntry) -> str | None:
    """The kind of an entry that a stage reads and DVC does not hash, or None."""
    if entry.is_symlink() and Path(entry.path).is_dir():
        return "a linked folder, behind which DVC sees no change; copy the folder here"
    if entry.name == DVCIGNORE:
        return "a list of files that DVC passes over; remove it"
    if entry.name in UNSEEN and entry.is_dir():
        return "a folder that DVC passes over; move it away"
    return None


def _unhashable(entry: os.DirEntry) -> str | None:
    """The kind of an entry that DVC cannot hash, or None."""
    try:
        os.fsencode(entry.name).decode()
    except UnicodeDecodeError:
        return "a name that is not UTF-8; rename it"
    try:
        found = entry.stat()
    except OSError as error:
        what = "a broken symbolic link" if entry.is_symlink() else f"unreadable ({error.strerror})"
        return f"{what}; remove it"
    kinds = [name for is_kind, name in KINDS if is_kind(found.st_mode)]
    if found.st_dev in {Path(folder).stat().st_dev for folder in VIRTUAL if Path(folder).is_dir()}:
        kinds.append("a file of the system")
    return f"{kinds[0]}; remove it" if kinds else None


def _entries(folder: Path) -> Iterator[os.DirEntry]:
    """All entries below a folder, sorted by name; linked folders are not entered."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise unreadable_folder(error) from error
    for entry in entries:
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path))


def check(root: Path, *, hashable: bool = True) -> None:
    """Raise if what a stage reads in a corpus' folder is not what DVC hashes.

    Parameters
    ----------
    hashable : bool
        Whether to look for entries that DVC cannot hash, too, before it does.

    Raises
    ------
    MerError
        With the first such entry, the number of them and what to do.
    """
    if (hidden := root.parent / DVCIGNORE).exists():
        raise MerError(
            f"{hidden} must not be there, for DVC passes over the files it lists; remove it"
        )
    faults = [
        (os.path.relpath(entry.path, root), fault)
        for entry in _entries(root)
        if (fault := _unseen(entry) or (hashable and _unhashable(entry)))
    ]
    if faults:
        path, fault = faults[0]
        others = f" ({len(faults)} such entries in all)" if faults[1:] else ""
        raise MerError(
            f"{root} must hold regular files and folders only, and {path!r} is {fault}{others}"
        )
