"""Ids and paths of the clips that a layout lists, before they are indexed."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mer.errors import MerError
from mer.types import Track, clip_of


def check(root: Path, layout: str, tracks: Sequence[Track]) -> None:
    """Refuse ids and paths that no index can have.

    Parameters
    ----------
    root : Path
        ``data/raw/<dataset>``.
    layout : str
        Module of ``mer.datasets`` that lists the tracks.

    Raises
    ------
    MerError
        If an id is listed twice, an id or a path leaves the folder, or an id is like that of a segment.
    """
    paths: dict[str, str | None] = {}
    for track in tracks:
        if track.id in paths:
            raise MerError(
                f"{root}: the clip {track.id!r} must be listed once; the layout {layout!r} lists it for "
                f"{paths[track.id]!r} and again for {track.path!r}; rename one"
            )
        paths[track.id] = track.path
        for name in filter(None, (track.id, track.path)):
            if PurePosixPath(name).is_absolute() or ".." in name.split("/") or "\0" in name:
                raise MerError(
                    f"{root}: the clip {track.id!r} must be below that folder, not at {name!r}; move "
                    "the file there and correct its path"
                )
        if clip_of(track.id) != track.id:
            raise MerError(
                f"{root}: the clip {track.id!r} ({track.path!r}) must not end like the id of a segment, "
                "in # and digits; rename it"
            )
