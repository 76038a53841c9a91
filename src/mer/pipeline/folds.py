"""The stage ``folds``: every protocol of one corpus, over the clips that are not quarantined."""

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import get_args

from mer.errors import MerError
from mer.io import fold_tables
from mer.io.files import write_json
from mer.io.folds import write_folds
from mer.io.recordings import with_one_artist
from mer.io.standard import quarantined
from mer.io.tracks import read_digests, read_tracks
from mer.schema import ProtocolName
from mer.schema.profiles import Profile
from mer.splits import ANY_PROFILE, shares_groups, split
from mer.types import Fold, names_artists

BY_CHANCE = 0.1  # share of the test parts that may repeat an earlier one without a warning

log = logging.getLogger("mer")


def _usable(fold: Fold, left_out: Collection[str]) -> Fold:
    """The fold without the clips that are left out."""
    sides = [
        tuple(i for i in side if i not in left_out) for side in (fold.train, fold.val, fold.test)
    ]
    return Fold(fold.repeat, fold.fold, *sides)


class Corpus:
    """The clips of an indexed corpus, to be split.

    Parameters
    ----------
    index, standard : Path
        ``data/index/<dataset>``, ``data/standard/<dataset>``.

    Attributes
    ----------
    tracks : list of Track
        Those with a file; clips with the same file or samples have one artist.
    names_artists : bool
        Whether the corpus itself names the artist of any clip.
    """

    def __init__(self, index: Path, standard: Path) -> None:
        self._index, self._left_out = index, set(quarantined(standard)["id"])
        digests = read_digests(index)
        tracks = [track for track in read_tracks(index) if not digests or track.id in digests]
        self.tracks = with_one_artist(tracks, digests, standard, self._left_out)
        self.names_artists = names_artists(tracks)

    def shares_artists(self, folds: Sequence[Fold]) -> bool | None:
        """Whether artists are in training and test; None where none are seen and no clip names one."""
        return shares_groups(self.tracks, folds) or (False if self.names_artists else None)

    def split(
        self, protocol: str, seed: int, folds: int | None = None, repeats: int | None = None
    ) -> list[Fold]:
        """The folds of a protocol; ``own`` are those of ``folds.csv``, or else of the labels.

        The clips that have a file are split, and then those in quarantine are left out: an unreadable file
        or a duplicate does not move the others to another side than that of the published split, nor to
        another in a merged corpus than in its member.

        Raises
        ------
        MerError
            If the corpus does not allow the protocol.
        """
        table = self._index / fold_tables.NAME
        if protocol == "own" and table.is_file():
            whole = fold_tables.read(table)
        else:
            sizes = {"folds": folds, "repeats": repeats}
            whole = split(self.tracks, protocol, self._index.name, seed=seed, **sizes)
        found = [
            _usable(fold, self._left_out) for fold in whole if not self._left_out >= {*fold.test}
        ]
        if not found:
            raise MerError(
                f"protocol {protocol!r}: a fold must have a usable test clip, and all test clips are in "
                "quarantine; repair their files, or take another protocol, as with `-S protocol=cv10`"
            )
        return found


def warn_of_copies(folds: Sequence[Fold], option: str) -> None:
    """Warn where repeats of ``grouped`` test the same clips again, as few artists fit into few folds.

    Parameters
    ----------
    option : str
        What sets the number of repeats, up to the number.
    """
    repeats = len({fold.repeat for fold in folds})
    enough = [r for r in range(1, repeats + 1) if _differ([f for f in folds if f.repeat < r])]
    if repeats in enough:
        return
    log.warning(
        "protocol 'grouped': the %d folds of %d repeats have only %d different test parts, and a paired "
        "test takes copies for new folds; take fewer repeats, as with `%s%d`, or name more artists",
        len(folds),
        repeats,
        len({fold.test for fold in folds}),
        option,
        max(enough, default=1),
    )


def _differ(folds: Sequence[Fold]) -> bool:
    """Whether nearly all folds have a test part of their own."""
    return len({fold.test for fold in folds}) >= (1 - BY_CHANCE) * len(folds)


def make(
    index: Path,
    standard: Path,
    target: Path,
    *,
    own: str,
    profile: Profile,
    profile_key: str,
    seed: int,
) -> None:
    """Write ``<target>/<protocol>/<dataset>.json`` for every protocol.

    A protocol that the corpus does not allow is written as absent, with the reason.

    Parameters
    ----------
    index, standard : Path
        ``data/index/<dataset>``, ``data/standard/<dataset>``.
    target : Path
        ``data/folds``.
    own : str
        The protocol that ``default`` means for this corpus.
    profile_key : str
        The key of the profile, for advice.
    """
    corpus = Corpus(index, standard)
    for protocol in get_args(ProtocolName):
        path = target / protocol / f"{index.name}.json"
        name = own if protocol == "default" else protocol
        try:
            folds = corpus.split(name, seed, profile.folds, profile.repeats)
        except MerError as error:
            reason = str(error).replace(ANY_PROFILE, f"profiles.{profile_key}.")
            write_json(path, {"status": "absent", "reason": reason})
            continue
        if protocol == "grouped":
            warn_of_copies(folds, f"-S profiles.{profile_key}.repeats=")
        write_folds(path, folds, protocol=name, shares_artists=corpus.shares_artists(folds))
