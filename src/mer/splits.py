"""Every protocol: how a corpus is split into training, validation and test clips.

All protocols stratify by quadrant, for every target, so that systems for different targets are
compared on the same clips; values are thereby stratified by high and low of both. A corpus without
quadrants is stratified by its classes (``label``), or else by the quartiles of its one value. ``grouped``
keeps an artist (or source song) on one side; the published protocols do not, and their scores on songs of
known artists are higher for it.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np
from sklearn.model_selection import (
    LeaveOneGroupOut,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    train_test_split,
)

from mer.errors import MerError
from mer.types import FOLDS_AND_REPEATS, MINIATURE, QUADRANTS, SIDES, Fold, Track, groups

OWN_SPLIT = "write a column split or fold of labels.csv, or a folds.csv beside it"
ANY_PROFILE = "profiles.<profile>."  # in advice, for the profile that is selected
ACROSS_MEMBERS = (
    "own",
    "leave_one_artist_out",
)  # whose folds of a merged corpus are not its members'
PANDREA_SEED = 42
PANDREA_BLOCKS = {"ch818": ("Q3", "Q1", "Q4", "Q2"), "tr_music": ("Q2", "Q1", "Q3", "Q4")}


def _part(tracks: Sequence[Track], indices: Sequence[int]) -> tuple[str, ...]:
    return tuple(tracks[i].id for i in sorted(indices))


def _strata(tracks: Sequence[Track]) -> np.ndarray:
    """The stratum of each track: its quadrant, or else its class, or else the quartile of its value."""
    for attribute in ("quadrant", "label"):
        if all(names := [getattr(track, attribute) for track in tracks]):
            return np.array(names)
    values = np.array([t.arousal if t.valence is None else t.valence for t in tracks], float)
    quartiles = np.searchsorted(np.quantile(values, [0.25, 0.5, 0.75]), values)
    return np.array([f"quartile {1 + number}" for number in quartiles])


def _repeated_k_fold(tracks: Sequence[Track], folds: int, repeats: int, seed: int) -> list[Fold]:
    """Repeated stratified k-fold, as Louro et al. run it (10 x 10, ``random_state=1``)."""
    _check_amounts(tracks, folds, grouped=False)
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    pairs = splitter.split(np.zeros(len(tracks)), _strata(tracks))
    return [
        Fold(n // folds, n % folds, _part(tracks, train), (), _part(tracks, test))
        for n, (train, test) in enumerate(pairs)
    ]


def _grouped(tracks: Sequence[Track], folds: int, repeats: int, seed: int) -> list[Fold]:
    """Stratified k-fold with every group on one side; repeat r shuffles with ``seed + r - 1``."""
    _check_amounts(tracks, folds, grouped=True)
    strata, group = _strata(tracks), groups(tracks)
    group_of_each = np.array([group[t.id] for t in tracks])
    found = []
    for repeat in range(repeats):
        splitter = StratifiedGroupKFold(
            folds, shuffle=True, random_state=(int(seed) + repeat - 1) % 2**32
        )
        pairs = splitter.split(np.zeros(len(tracks)), strata, group_of_each)
        for number, (train, test) in enumerate(pairs):
            found.append(Fold(repeat, number, _part(tracks, train), (), _part(tracks, test)))
    return found


def _check_amounts(tracks: Sequence[Track], folds: int, *, grouped: bool) -> None:
    """Refuse more folds than the rarest stratum has clips, or than there are groups."""
    counts = Counter(_strata(tracks).tolist())
    scarce, most = min(counts.items(), key=lambda item: item[1], default=("", 0))
    lack, more = f"each class needs {folds} of them, and {scarce} has {most}", f"clips of {scarce}"
    if grouped and (artists := len({*groups(tracks).values()})) < min(folds, most):
        lack, more = f"they need {folds} artists at least, and have {artists}", "artists"
        most = artists
    if most < folds:
        remedy = f"add {more}"
        if most > 1:
            remedy = f"take {most} folds at most, as with `-S {ANY_PROFILE}folds={most}`"
        raise MerError(
            f"{len(tracks)} clips cannot be split into {folds} folds: {lack}; {remedy}, or take another "
            "protocol"
        )


def fold_numbers(names: Iterable[str]) -> dict[str, int]:
    """The number of each fold by its name: the names are sorted, and numbers in them by value."""
    order = sorted({*names}, key=lambda name: (re.sub(r"\d+", lambda n: n[0].zfill(9), name), name))
    return {name: number for number, name in enumerate(order)}


def _leave_one_group_out(tracks: Sequence[Track], groups: Sequence[str | int]) -> list[Fold]:
    """One fold per group, which tests its clips and trains on all others; the folds are sorted by group."""
    return [
        Fold(0, number, _part(tracks, train), (), _part(tracks, test))
        for number, (train, test) in enumerate(LeaveOneGroupOut().split(tracks, groups=groups))
    ]


def _published(tracks: Sequence[Track], protocol: str) -> list[Fold]:
    """The split that is published with the corpus, or the folds where the labels name those."""
    tracks = [track for track in tracks if protocol in track.splits]
    names = [track.splits[protocol] for track in tracks]
    if not {*names} <= {*SIDES}:
        numbers = fold_numbers(names)
        return _leave_one_group_out(tracks, [numbers[name] for name in names])
    parts = {side: [i for i, name in enumerate(names) if name == side] for side in SIDES}
    if not parts["train"] or not parts["test"]:
        sizes = ", ".join(f"{len(part)} of {side}" for side, part in parts.items())
        raise MerError(
            f"protocol {protocol!r}: the split in the labels must have clips of train and of test, not "
            f"{sizes}; label some of each, or take another protocol, as with `-S protocol=cv10`"
        )
    return [Fold(0, 0, *(_part(tracks, part) for part in parts.values()))]


def _count(total: int, share: float) -> int:
    """A share of a number, rounded up as scikit-learn does, but not for an error of floating point."""
    return math.ceil(round(total * share, 9))


def _stratified(tracks: Sequence[Track], shares: tuple[float, float], seed: int) -> list[Fold]:
    """One random stratified split with the given shares of validation and test."""
    strata, everything = _strata(tracks), np.arange(len(tracks))
    val_share, test_share = shares
    n_test = _count(len(everything), test_share)
    rest, test = train_test_split(everything, test_size=n_test, random_state=seed, stratify=strata)
    n_val = _count(len(rest), val_share / (1 - test_share))
    train, val = train_test_split(rest, test_size=n_val, random_state=seed, stratify=strata[rest])
    return [Fold(0, 0, *(_part(tracks, side) for side in (train, val, test)))]


def _song_80_20(tracks: Sequence[Track], corpus: str) -> list[Fold]:
    """Pandrea's split 80-20 (thesis notebooks): not stratified, over songs sorted by class, then by id.

    The order of the classes decides how many test songs a class has; each corpus has its own (see
    docs/methods.md), and so has its miniature.
    """
    blocks = ("", *PANDREA_BLOCKS.get(corpus.removeprefix(MINIATURE), QUADRANTS))
    order = sorted(
        range(len(tracks)), key=lambda i: (blocks.index(tracks[i].quadrant), tracks[i].id)
    )
    train, test = train_test_split(order, test_size=0.2, random_state=PANDREA_SEED)
    return [Fold(0, 0, _part(tracks, train), (), _part(tracks, test))]


def _member(tracks: Sequence[Track], source: str) -> dict[str, Track]:
    """The tracks of one member of a merged corpus as its own index has them, by their merged ids."""
    return {
        track.id: replace(track, id=track.id.removeprefix(f"{source}/"), source=None)
        for track in tracks
        if track.source == source
    }


def _joined(folds: Sequence[Fold], merged: Sequence[Mapping[str, str]]) -> Fold:
    """The fold whose sides are those of one fold of each member together, under the merged ids."""
    sides = (
        sorted(ids[i] for fold, ids in zip(folds, merged, strict=True) for i in getattr(fold, side))
        for side in ("train", "val", "test")
    )
    return Fold(folds[0].repeat, folds[0].fold, *map(tuple, sides))


def _apart(fold: Fold, tracks: Sequence[Track]) -> Fold:
    """The fold without those training and validation clips whose artist is in the test part."""
    group = groups(tracks)
    tested = {group[id_] for id_ in fold.test}
    train, val = (
        tuple(id_ for id_ in side if group[id_] not in tested) for side in (fold.train, fold.val)
    )
    return replace(fold, train=train, val=val)


def _union(tracks: Sequence[Track], protocol: str, **settings: Any) -> list[Fold]:
    """The folds of a merged corpus: each is made of the same fold of every member.

    So a song that the merged corpus tests in a fold is no training song of its own corpus in that fold.
    Under ``grouped``, an artist of several members may be in the test part of one and the training part of
    another; the latter clips are left out.
    """
    members = {
        source: _member(tracks, source) for source in sorted({str(t.source) for t in tracks})
    }
    parts = [split([*own.values()], protocol, name, **settings) for name, own in members.items()]
    counts = dict(zip(members, map(len, parts), strict=True))
    if len({*counts.values()}) > 1:
        raise MerError(
            f"protocol {protocol!r}: the members of a merged corpus must have as many folds each, and have "
            f"{', '.join(f'{name} {count}' for name, count in counts.items())}; take another protocol, as "
            "with `-S protocol=cv10`"
        )
    merged = [{track.id: id_ for id_, track in own.items()} for own in members.values()]
    joined = [_joined(folds, merged) for folds in zip(*parts, strict=True)]
    return [_apart(fold, tracks) for fold in joined] if protocol == "grouped" else joined


def _check_numbers(seed: int, folds: int | None, repeats: int | None) -> None:
    """Refuse a seed, or a number of folds or repeats, that no split can have."""
    own = "leave it out for the protocol's own"
    if not (isinstance(seed, int | np.integer) and 0 <= seed < 2**32):
        raise MerError(
            f"seed must be a whole number in 0 … {2**32 - 1}, not {seed!r}; take another"
        )
    for name, number, least in (("folds", folds, 2), ("repeats", repeats, 1)):
        if number is not None and not (isinstance(number, int | np.integer) and number >= least):
            raise MerError(
                f"{name} must be a whole number, {least} at least, not {number!r}; {own}"
            )


def split(
    tracks: Sequence[Track],
    protocol: str,
    corpus: str = "",
    *,
    seed: int,
    folds: int | None = None,
    repeats: int | None = None,
) -> list[Fold]:
    """The folds of a protocol over the given tracks.

    Parameters
    ----------
    tracks : sequence of Track
        Their order does not matter. Those of a merged corpus, which name their ``source``, get the folds
        that each member has by itself, but for ``own`` and ``leave_one_artist_out``.
    protocol : str
        ``own``: the split or the folds that the labels name. ``grouped``: 10 x 10 folds, no artist on
        two sides. ``cv10x10``, ``cv10``: 10 (x 10) stratified folds. ``tvt_70_15_15, tvt_40_30_30``: the
        corpus' published split of that name, else one random stratified split. ``song_80_20``:
        Pandrea's. ``leave_one_artist_out``: one fold per artist.
    corpus : str
        Key of the corpus, which decides the order of Pandrea's split.
    seed : int
        Of the random splits, in 0 … 2**32 - 1.
    folds, repeats : int or None
        Number of folds, 2 at least, and of repeats, 1 at least, in place of the protocol's, which None
        means; ignored by protocols with one split.

    Raises
    ------
    MerError
        If the seed or a number is out of its range, or the corpus does not allow the protocol: a quadrant
        has fewer clips than folds, ``grouped`` has fewer artists than folds, or there is no published
        split with training and test clips.
    """
    _check_numbers(seed, folds, repeats)
    tracks = sorted(tracks, key=lambda track: track.id)
    if any(track.source for track in tracks) and protocol not in ACROSS_MEMBERS:
        return _union(tracks, protocol, seed=seed, folds=folds, repeats=repeats)
    published = any(protocol in t.splits for t in tracks)
    planned = FOLDS_AND_REPEATS.get(protocol, (1, 1))
    counts = planned[0] if folds is None else folds, planned[1] if repeats is None else repeats
    try:
        match protocol:
            case _ if published:
                return _published(tracks, protocol)
            case "cv10x10":
                return _repeated_k_fold(tracks, *counts, seed)
            case "cv10":
                return _repeated_k_fold(tracks, counts[0], 1, seed)
            case "grouped":
                return _grouped(tracks, *counts, seed)
            case "tvt_70_15_15":
                return _stratified(tracks, (0.15, 0.15), seed)
            case "tvt_40_30_30":
                return _stratified(tracks, (0.30, 0.30), seed)
            case "song_80_20":
                return _song_80_20(tracks, corpus)
            case "leave_one_artist_out":
                return _leave_one_group_out(tracks, [*groups(tracks).values()])
    except ValueError as error:
        raise MerError(
            f"protocol {protocol!r} cannot split {len(tracks)} clips: {error}; add clips, or take another "
            "protocol"
        ) from error
    raise MerError(
        f"protocol {protocol!r}: the labels of the corpus must have a split of that name, and have none; "
        f"{OWN_SPLIT if protocol == 'own' else 'take another protocol, as with `-S protocol=cv10`'}"
    )


def mean_test_per_train(folds: Sequence[Fold]) -> float:
    """Number of test clips of a fold divided by that of its other clips, the mean over the folds."""
    return round(fmean(len(f.test) / len(f.train + f.val) for f in folds), 6)


def shares_groups(tracks: Sequence[Track], folds: Sequence[Fold]) -> bool:
    """Whether any fold has an artist in training or validation and in test."""
    group = groups(tracks)
    return any({group[i] for i in (*f.train, *f.val)} & {group[i] for i in f.test} for f in folds)
