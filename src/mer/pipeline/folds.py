"""The stage ``folds``: every protocol of one corpus, over the clips that are not quarantined."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from mer.errors import MerError
from mer.io.artefacts import quarantined, read_digests, read_tracks, write_folds, write_json
from mer.schema import Protocol
from mer.schema.profiles import Profile
from mer.splits import shares_groups, split
from mer.types import Fold, Track


def _twins_together(tracks: Sequence[Track], digests: Mapping[str, str]) -> list[Track]:
    """The tracks; those of a corpus whose files are the same get one artist, so that ``grouped`` keeps them
    on one side."""
    files = [(track.source, digests.get(track.id)) for track in tracks]
    counts, artists = Counter(file for file in files if file[1]), dict[tuple, str]()
    return [
        replace(track, artist=artists.setdefault(file, track.artist or track.id))
        if counts[file] > 1
        else track
        for track, file in zip(tracks, files, strict=True)
    ]


def _usable(fold: Fold, left_out: Collection[str]) -> Fold:
    """The fold without the clips that are left out."""
    sides = [
        tuple(i for i in side if i not in left_out) for side in (fold.train, fold.val, fold.test)
    ]
    return Fold(fold.repeat, fold.fold, *sides)


def make(
    index: Path, standard: Path, target: Path, *, own: str, profile: Profile, seed: int
) -> None:
    """Write ``<target>/<protocol>/<dataset>.json`` for every protocol.

    The clips that have a file are split, and then those in quarantine are left out: an unreadable file or
    a duplicate does not move the others to another side than that of the published split, nor to another in
    a merged corpus than in its member. A protocol that the corpus does not allow is written as absent, with
    the reason.

    Parameters
    ----------
    index, standard : Path
        ``data/index/<dataset>``, ``data/standard/<dataset>``.
    target : Path
        ``data/folds``.
    own : str
        The protocol that ``default`` means for this corpus.
    """
    left_out = set(quarantined(standard)["id"])
    digests = read_digests(index)
    tracks = [t for t in read_tracks(index) if not digests or t.id in digests]
    grouped = _twins_together(tracks, digests)
    for protocol in get_args(Protocol):
        path = target / protocol / f"{index.name}.json"
        name = own if protocol == "default" else protocol
        try:
            whole = split(
                grouped,
                name,
                index.name,
                seed=seed,
                folds=profile.folds,
                repeats=profile.repeats,
            )
            folds = [_usable(fold, left_out) for fold in whole]
        except MerError as error:
            write_json(path, {"status": "absent", "reason": str(error)})
            continue
        write_folds(path, folds, protocol=name, shares_artists=shares_groups(grouped, folds))
