"""Audio files in a folder, told from others by their suffix, and the files that labels name."""

import logging
import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from mer.errors import MerError
from mer.io.files import sha256
from mer.types import Track

READ_BY_LIBSNDFILE = frozenset(
    (
        *(".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp2", ".mp3", ".oga", ".ogg"),
        *(".opus", ".rf64", ".snd", ".w64", ".wav"),
    )
)
# ffmpeg decodes some of these; the others are refused, with the name of the format
OTHER_FORMATS = frozenset(
    (
        *(".3gp", ".aac", ".ac3", ".alac", ".amr", ".ape", ".dff", ".dsf", ".dts", ".m4a", ".m4b"),
        *(".mka", ".mov", ".mp4", ".mpc", ".mpga", ".ra", ".spx", ".tak", ".tta", ".webm", ".wma"),
        ".wv",
    )
)
SUFFIXES = READ_BY_LIBSNDFILE | OTHER_FORMATS

log = logging.getLogger("mer")


class Found(NamedTuple):
    """The files below a folder, as sorted paths relative to it, with forward slashes.

    Attributes
    ----------
    audio : files whose suffix is that of an audio format, readable or not
    others : all other files
    """

    audio: list[str]
    others: list[str]


def unreadable_folder(error: OSError) -> MerError:
    """The error of a folder that cannot be listed."""
    return MerError(
        f"{error.filename} must be a folder that can be read ({error.strerror}); give this user the "
        "permission, or move the folder away"
    )


def _refuse(error: OSError) -> None:
    raise unreadable_folder(error) from error


def find(folder: Path, on_unreadable: Callable[[OSError], None] = _refuse) -> Found:
    """All files, and links to nothing, below a folder; a linked folder is entered once.

    A pipe or a device with the suffix of audio counts as audio, so that its reader says what is wrong.

    Parameters
    ----------
    on_unreadable : callable
        What is done with a folder that cannot be read; by default it is refused.

    Raises
    ------
    MerError
        If a folder cannot be read.
    """
    found = Found([], [])
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, onerror=on_unreadable, followlinks=True):
        facts = Path(place).stat()
        if (facts.st_dev, facts.st_ino) in seen:
            folders.clear()
            continue
        seen.add((facts.st_dev, facts.st_ino))
        for path in (Path(place, name) for name in names):
            is_audio = path.suffix.lower() in SUFFIXES
            if is_audio or path.is_file() or (path.is_symlink() and not path.exists()):
                kind = found.audio if is_audio else found.others
                kind.append(path.relative_to(folder).as_posix())
    return Found(sorted(found.audio), sorted(found.others))


def digest(path: Path) -> str:
    """SHA-256 of a file; an empty string if there is none, or it is empty or cannot be read."""
    try:
        # Reading a pipe, or /proc/kmsg, would wait for ever.
        if not path.is_file() or not path.stat().st_size:
            return ""
        return sha256(path)
    except OSError:
        return ""


def _spelling(path: str) -> str:
    """A path without what spreadsheets and archives change: Unicode form, case, separators, blanks, %20."""
    text = unicodedata.normalize("NFC", unquote(path).replace("\\", "/")).casefold()
    return "/".join(part.strip() for part in text.split("/") if part != ".")


def respelled(wanted: Iterable[str], files: Collection[str]) -> dict[str, str]:
    """The files of wanted paths that are there under another spelling only: wanted path -> file.

    Paths differ in spelling by Unicode form, case, separators, blanks around names and ``%20``. A path that
    several files match, or a file that several paths match, is left out.
    """
    there = set(files)
    by_spelling = defaultdict(list)
    for file in files:
        by_spelling[_spelling(file)].append(file)
    wanted = set(wanted)
    matches = {
        path: found[0]
        for path in sorted(wanted - there)
        if len(found := by_spelling.get(_spelling(path), [])) == 1 and found[0] not in wanted
    }
    names = list(matches.values())
    return {path: file for path, file in matches.items() if names.count(file) == 1}


def of_tracks(tracks: Sequence[Track], files: Found) -> list[Track]:
    """The tracks.

    Where a label spells the name of a file differently (see ``respelled``), the path of the file replaces
    it, and a warning says so.
    """
    wanted = (track.path for track in tracks if track.path)
    found = respelled(wanted, [*files.audio, *files.others])
    if found:
        label, file = next(iter(found.items()))
        log.warning(
            "%d files have another name than their labels (Unicode form, case, separators or blanks) and "
            "are taken; the first is %r, labelled %r",
            len(found),
            file,
            label,
        )
    return [
        replace(track, path=found.get(track.path, track.path)) if track.path else track
        for track in tracks
    ]
