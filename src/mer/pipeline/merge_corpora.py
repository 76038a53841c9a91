"""The stage ``merge_corpora``: a merged corpus, a folder whose labels name the source of each song."""

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mer.datasets.folder import LABELS
from mer.errors import MerError
from mer.io.files import write_csv, writing
from mer.io.tracks import read_tracks

COLUMNS = ("path", "quadrant", "artist", "source")


def _take(
    member: str, raw: Path, index: Path, root: Path
) -> list[tuple[str, str, str | None, str]]:
    """Copy the audio of a member to ``root``; return its rows of the labels."""
    rows = []
    for track in read_tracks(index / member):
        if track.path is None:
            raise MerError(
                f"{raw / member} must have audio to be merged, and {track.id!r} has none; get it, or "
                "take another corpus"
            )
        path = f"{member}/{track.id}{PurePosixPath(track.path).suffix}"
        if (raw / member / track.path).is_file():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(raw / member / track.path, root / path)
        rows.append((path, track.quadrant, track.artist, member))
    return rows


def make(members: Sequence[str], raw: Path, index: Path, target: Path) -> None:
    """Write ``data/raw/<key>`` in the layout ``folder`` with the songs of all members.

    An id is ``<member>/<id in the member>``. An artist of several members is one group. Valence and arousal
    are left out, because each corpus has its own scale.

    Parameters
    ----------
    members : sequence of str
        Keys of corpora.
    raw, index, target : Path
        ``data/raw``, ``data/index`` and ``data/raw/<key>``.

    Raises
    ------
    MerError
        If a member has no audio.
    """
    with writing(target) as root:
        rows = [row for member in members for row in _take(member, raw, index, root)]
        write_csv(root / LABELS, [COLUMNS, *rows], lineterminator="\n")
