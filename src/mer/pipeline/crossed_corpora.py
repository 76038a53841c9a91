"""Training on one corpus for the test songs of another: its folds, and recordings that are in both."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mer.errors import MerError
from mer.io.artefacts import absent
from mer.io.files import read_json, reading
from mer.io.folds import read_folds
from mer.io.standard import Standard
from mer.io.tracks import read_digests, read_tracks
from mer.learn.data import prefix_ids
from mer.selection import Selection
from mer.splits import shares_groups
from mer.types import Fold, names_artists

TRAINED_ON = "trained_on.json"  # of a run whose network others may go on from
Recordings = Mapping[str, Collection[str]]  # clip id -> digests


def digests(side: Selection) -> dict[str, list[str]]:
    """Clip id -> the digest of its file and that of its samples, as far as a corpus has audio."""
    found = {id_: [digest] for id_, digest in read_digests(side.folder("index")).items()}
    standard = side.folder("standard")
    if absent(standard) is None:
        corpus = Standard.read(standard)
        for id_ in corpus.ids:
            found.setdefault(id_, []).append(corpus.digest(id_))
    return found


def crossed(trained_on: Selection, tested_on: Selection, folds: Sequence[Fold]) -> list[Fold]:
    """Folds with the training clips of one corpus and the test clips of another.

    Raises
    ------
    MerError
        If the training corpus lacks a fold of the other, or a file or the samples of one are on both sides
        of a fold.
    """
    theirs, ours = (digests(side) for side in (trained_on, tested_on))
    trains, crossed = {(fold.repeat, fold.fold): fold for fold in read_folds(trained_on.folds)}, []
    for test in folds:
        if (train := trains.get((test.repeat, test.fold))) is None:
            raise MerError(
                f"{trained_on.folds} must have each fold of {tested_on.folds}, and lacks fold {test.fold} "
                f"of repeat {test.repeat}; take a protocol that splits both corpora alike"
            )
        trained = {digest: id_ for id_ in train.train for digest in theirs.get(id_, ())}
        tested = {digest: id_ for id_ in test.test for digest in ours.get(id_, ())}
        if shared := [digest for digest in tested if digest in trained]:
            raise MerError(
                f"a test clip of {tested_on.dataset!r} must not be in the training part, and "
                f"{tested[shared[0]]!r} is the same recording as {trained[shared[0]]!r} of "
                f"{trained_on.dataset!r}; remove one of them from data/raw"
            )
        clips = prefix_ids(trained_on.dataset, train.train)
        crossed.append(Fold(test.repeat, test.fold, clips, (), test.test))
    return crossed


def shares_artists(
    trained_on: Selection, tested_on: Selection, crossed: Sequence[Fold]
) -> bool | None:
    """Whether an artist of the training clips has test clips; None if a corpus names no artists."""
    theirs, ours = (read_tracks(side.folder("index")) for side in (trained_on, tested_on))
    if not (names_artists(theirs) and names_artists(ours)):
        return None
    ids = prefix_ids(trained_on.dataset, [track.id for track in theirs])
    prefixed = [replace(track, id=id_) for track, id_ in zip(theirs, ids, strict=True)]
    return shares_groups([*prefixed, *ours], crossed)


def digests_of_both(trained_on: Selection, tested_on: Selection) -> Recordings:
    """Clip id of a crossed run -> digests, see ``digests``."""
    found = digests(trained_on)
    prefixed = zip(prefix_ids(trained_on.dataset, list(found)), found.values(), strict=True)
    return {**dict(prefixed), **digests(tested_on)}


def known_digests(fold: Fold, recordings: Recordings, parent: Path | None) -> list[str]:
    """The digests of the clips that the network of a fold, and those that it goes on from, has seen."""
    seen = {digest for id_ in (*fold.train, *fold.val) for digest in recordings.get(id_, ())}
    return sorted(seen | (_seen_by(parent) if parent else set()))


def check_parent(parent: Path, folds: Iterable[Fold], recordings: Recordings) -> None:
    """Refuse test clips that the network of a parent was trained on."""
    seen = _seen_by(parent)
    for id_ in (id_ for fold in folds for id_ in fold.test):
        if not seen.isdisjoint(recordings.get(id_, ())):
            raise MerError(
                f"a test clip must be new to the network of the parent {parent.name!r}, which was trained "
                f"on the recording of {id_!r}; remove the clip, or go on from another run"
            )


def _seen_by(parent: Path) -> set[str]:
    path = parent / TRAINED_ON
    with reading(path, "a list of the recordings that a network was trained on"):
        return {*map(str, read_json(path))}
