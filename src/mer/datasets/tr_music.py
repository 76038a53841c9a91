"""TR-MUSIC: 400 excerpts of Turkish music in four emotions (Er & Aydilek, IJCIS 2019).

::

    <root>/
    ├── happy/ *.mp3            Q1; the four may also be called Q1 to Q4
    ├── angry/ *.mp3            Q2
    ├── sad/ *.mp3              Q3
    └── relaxed/ *.mp3          Q4

The four may also lie in a folder of the root, as ``tr-music-dataset``. A clip's id is its quadrant and
file name (``Q1/001``). Files with the same bytes are one group, named after the first of them, so that
no split by artist separates them. The table that the authors publish (UCI 862: 50 features) has no ids
and cannot be joined.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from mer.errors import MerError
from mer.io.files import sha256
from mer.types import QUADRANTS, Track

EMOTIONS = {"happy": "Q1", "angry": "Q2", "sad": "Q3", "relaxed": "Q4"}
QUADRANT = EMOTIONS | {q: q for q in QUADRANTS}
REMEDY = "unpack the authors' tr-music-dataset here"


def _folders(root: Path) -> dict[str, Path]:
    """Quadrant -> its folder; all four lie in the same place."""
    places = [root, *sorted(path for path in root.glob("*") if path.is_dir())]
    for place in places:
        there = [name for name in QUADRANT if (place / name).is_dir()]
        if not there:
            continue
        if sorted(QUADRANT[name] for name in there) != list(QUADRANTS):
            raise MerError(
                f"{place} must have one folder per emotion, {', '.join(EMOTIONS)} or "
                f"{', '.join(QUADRANTS)}, not {there}; {REMEDY}"
            )
        return {QUADRANT[name]: place / name for name in there}
    raise MerError(f"{root} must have the folders {', '.join(EMOTIONS)} and has none; {REMEDY}")


def _twins(files: Mapping[str, Path]) -> dict[str, str]:
    """Id -> the first id with the same bytes, for files that are there more than once."""
    sizes = Counter(path.stat().st_size for path in files.values())
    first: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for id_, path in sorted(files.items()):
        if sizes[path.stat().st_size] > 1:
            digest = sha256(path)
            found.setdefault(first.setdefault(digest, id_), []).append(id_)
    return {id_: one for one, ids in found.items() if len(ids) > 1 for id_ in ids}


def tracks(root: Path) -> list[Track]:
    """The files in the four folders, sorted by id.

    Raises
    ------
    MerError
        If there are no such folders, not one for each emotion, or no files in them.
    """
    files = {
        f"{q}/{path.stem}": path
        for q, folder in _folders(root).items()
        for path in sorted(folder.glob("*.mp3"))
    }
    if not files:
        raise MerError(
            f"{root} must have mp3 files in the folders of the emotions and has none; {REMEDY}"
        )
    twins = _twins(files)
    return [
        Track(id_, id_[:2], path.relative_to(root).as_posix(), artist=twins.get(id_))
        for id_, path in sorted(files.items())
    ]
