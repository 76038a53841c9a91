"""The index of a corpus: its tracks, their digests and its published tables."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mer import artefacts, registry
from mer.errors import MerError
from mer.types import QUADRANTS, Track


def _check_counts(root: Path, found: Mapping[str, int], expected: Mapping[str, int]) -> None:
    wanted = {q: expected.get(q, 0) for q in QUADRANTS}
    if found != wanted:
        raise MerError(
            f"{root} must hold the clips per quadrant that the paper prints, {wanted}, not "
            f"{dict(found)}; restore the corpus, or set its counts in params.yaml (null accepts any)"
        )


def _digest(path: Path) -> str:
    """SHA-256 of a file, or nothing where there is none that can be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _digests(root: Path, tracks: Sequence[Track]) -> dict[str, str]:
    files = {track.id: root / track.path for track in tracks if track.path}
    with ThreadPoolExecutor() as pool:
        return dict(zip(files, pool.map(_digest, files.values())))


def build(root: Path, target: Path, layout: str, counts: dict[str, int] | None) -> None:
    """Write ``tracks.csv``, one Parquet table per published family and the manifest.

    Parameters
    ----------
    root : Path
        ``data/raw/<dataset>``.
    target : Path
        ``data/index/<dataset>``; it appears whole or not at all.
    layout : str
        Module of ``mer.datasets``.
    counts : dict of str to int, or None
        Clips per quadrant that there must be; None accepts any.

    Raises
    ------
    MerError
        If the corpus is not as its layout says, an id stands twice, or the counts differ.
    """
    module = registry.get("datasets", layout)
    tracks: list[Track] = module.tracks(root)
    twice = [id_ for id_, times in Counter(track.id for track in tracks).items() if times > 1]
    if twice:
        raise MerError(
            f"{root}: the clip {twice[0]!r} must stand once; the layout {layout!r} lists it again"
        )
    found = {q: sum(track.quadrant == q for track in tracks) for q in QUADRANTS}
    if counts is not None:
        _check_counts(root, found, counts)
    published = module.published(root)
    with artefacts.writing(target) as folder:
        artefacts.write_tracks(folder / "tracks.csv", tracks, _digests(root, tracks))
        for family, features in published.items():
            artefacts.write_features(folder / f"{family}.parquet", features)
        artefacts.write_manifest(
            folder,
            n=len(tracks),
            counts=found,
            has_audio=any(track.path for track in tracks),
            published=sorted(published),
        )
