"""The training clips of a fold that validate a choice, of hyperparameters or of the last epoch.

What a protocol keeps on one side, an inner validation keeps there, too: a choice that leans on an artist
whom it has heard would not hold for the artists of the test clips.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from mer.errors import MerError
from mer.learn.data import TrainingData
from mer.types import Fold, clip_of


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
