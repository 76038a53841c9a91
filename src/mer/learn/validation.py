"""The training clips of a fold that validate a choice, of hyperparameters or of the last epoch.

What a protocol keeps on one side, an inner validation keeps there, too: a choice that leans on an artist
whom it has heard would not hold for the artists of the test clips.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from mer.errors import MerError
from mer.learn.context import FoldContext
from mer.learn.data import TrainingData
from mer.seeds import generator
from mer.types import Fold, clip_of

SEARCH_SHARE = 0.2  # of the training clips, in a fold without a validation part


def groups(data: TrainingData, fold: Fold) -> list[str] | None:
    """The group of each training clip, its artist or source song, that a validation part must not divide.

    Where the fold has an artist in training and test, so that the protocol shares artists, the group of a
    segment is its clip.

    Returns
    -------
    list of str, or None
        None if every training clip is a group of its own, or if all clips of a class belong to one group:
        holding that group out would leave none of the class to train on. None, too, if the data have no
        groups.
    """
    if data.groups is None:
        return None
    found = [data.groups[id_] for id_ in fold.train]
    if {*found} & {data.groups[id_] for id_ in fold.test}:
        found = [clip_of(id_) for id_ in fold.train]
    if len({*found}) == len(found) or _has_class_of_one_group(data, fold, found):
        return None
    return found


def _has_class_of_one_group(data: TrainingData, fold: Fold, of_each: Sequence[str]) -> bool:
    """Whether all training clips of a class are of one group."""
    if data.target.kind != "classes":
        return False
    pairs = {(data.labels[id_], group) for id_, group in zip(fold.train, of_each, strict=True)}
    return 1 in Counter(label for label, _ in pairs).values()


def hold_out(
    ids: Sequence[str], strata: Sequence[int], groups: Sequence[str], share: float, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The clips to train on and those held out: about a share, half at most, stratified, in whole groups.

    Clips of every stratum are left to train on, if a division allows it.

    Parameters
    ----------
    ids, strata, groups : sequences of the same length
        Of each clip.

    Raises
    ------
    MerError
        If all clips are of one group.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # the import takes a second

    largest = int(np.bincount(np.unique(strata, return_inverse=True)[1]).max())
    folds = min(max(round(1 / share), 2), len({*groups}), largest)
    if folds < 2:
        raise MerError(
            f"a validation part needs training clips of two artists and two of one class, and the "
            f"{len(ids)} training clips have fewer; label more clips, or take another protocol"
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    sides = list(splitter.split(np.zeros(len(ids)), strata, groups))
    first = seed % folds  # the largest groups are in the same parts whatever the seed
    allowed = [
        (train, held_out)
        for train, held_out in (*sides[first:], *sides[:first])
        if 0 < len(held_out) <= len(ids) / 2
    ]
    train, held_out = next(
        (s for s in allowed if {strata[n] for n in s[0]} == {*strata}), allowed[0]
    )
    return tuple(ids[n] for n in train), tuple(ids[n] for n in held_out)


def early_stopping_part(
    context: FoldContext[Any], data: TrainingData
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The clips of a fold that train and those that validate.

    With the fidelity ``described``, the protocol's own validation clips validate, or else a random share
    of the training clips of each stratum, at least one of a stratum of two or more. With ``released``, the
    test clips validate: He & Ferguson (section 4.4) do not say where their validation clips come from
    (docs/methods.md, "He and Ferguson's evaluation"). See ``groups`` for artists.

    Raises
    ------
    MerError
        If no clip can be held out.
    """
    fold, share = context.fold, context.params.validation
    if not context.described:
        return fold.train, fold.test
    if fold.val:
        return fold.train, fold.val
    rng, strata, held_out = generator(context.seed, "validation"), data.strata, set[str]()
    if artists := groups(data, fold):
        of_each = [strata[i] for i in fold.train]
        return hold_out(fold.train, of_each, artists, share, int(rng.integers(2**31)))
    for stratum in sorted({strata[i] for i in fold.train}):
        clips = [i for i in fold.train if strata[i] == stratum]
        count = min(max(1, round(share * len(clips))), len(clips) - 1)
        held_out.update(clips[n] for n in rng.permutation(len(clips))[:count])
    if not held_out:
        raise MerError(
            f"fold {fold.fold} of repeat {fold.repeat} must have two training clips of some class, one to "
            f"train on and one to validate, and has {len(fold.train)} of as many classes; label more "
            "clips, or take a protocol with validation clips, as with `-S protocol=tvt_70_15_15`"
        )
    rest = tuple(i for i in fold.train if i not in held_out)
    return rest, tuple(i for i in fold.train if i in held_out)


def search_part(
    context: FoldContext[Any], data: TrainingData
) -> tuple[Sequence[str], Sequence[str]]:
    """The clips of a fold that train the candidates of a search and those that validate them.

    The protocol's own validation clips validate, or else a fifth of the training clips of each stratum.

    Raises
    ------
    MerError
        If the training clips are too few.
    """
    from sklearn.model_selection import train_test_split

    fold, strata = context.fold, [data.strata[id_] for id_ in context.fold.train]
    if fold.val:
        return fold.train, fold.val
    if artists := groups(data, fold):
        return hold_out(fold.train, strata, artists, SEARCH_SHARE, context.seed)
    try:
        return train_test_split(
            fold.train, test_size=SEARCH_SHARE, random_state=context.seed, stratify=strata
        )
    except ValueError as error:
        raise MerError(
            f"a search needs training clips of every class for validation, and the {len(fold.train)} of "
            f"fold {fold.fold} of repeat {fold.repeat} are too few ({error}); set `search` of the model to "
            "none, or label more clips"
        ) from error
