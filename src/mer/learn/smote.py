"""Synthetic rows of a table of features: SMOTE and Borderline-SMOTE2, by imbalanced-learn, and noise."""

import numpy as np

from mer.errors import MerError
from mer.learn.deviations import deviations
from mer.schema.augmentation import Noise, Smote, SmoteMethod


def smote(
    rows: np.ndarray,
    y: np.ndarray,
    counts: dict[int, int],
    k_neighbors: int,
    rng: np.random.Generator,
    method: SmoteMethod = "smote",
) -> tuple[np.ndarray, np.ndarray]:
    """New rows between a row of a class and one of its nearest neighbours.

    With ``smote`` the row is any of the class, and its neighbours are of the same class (Chawla et al.
    SMOTE: Synthetic Minority Over-sampling Technique. JAIR 16, 2002). With ``borderline_smote2`` the row
    lies at a border: half or more of its neighbours, but not all, are of other classes. Its neighbours are
    of any class; towards one of another class the new row goes half of the way at most (Han et al.
    Borderline-SMOTE. ICIC 2005). A class without such a row gets rows of ``smote``.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d)]
    y : np.ndarray [shape=(n,)]
        Class indices.
    counts : dict of int to int
        Class -> number of new rows.
    k_neighbors : int
        Nearest neighbours to choose from; fewer where the smallest class has fewer.

    Returns
    -------
    np.ndarray [shape=(sum of counts, d)], np.ndarray [shape=(sum of counts,)]
        The new rows and their classes, class by class.

    Raises
    ------
    MerError
        If a class has only one row.
    """
    from imblearn.over_sampling import SMOTE, BorderlineSMOTE  # the import takes two seconds

    sizes = {c: int((y == c).sum()) for c in sorted(counts)}
    smallest = min(sizes.values())
    if smallest < 2:
        raise MerError(
            f"SMOTE must have at least two training clips of each class, and a class has {smallest}; label "
            "more clips of it, take more folds, or choose a policy without SMOTE"
        )
    arguments = {
        "sampling_strategy": {c: size + counts[c] for c, size in sizes.items()},
        "k_neighbors": min(k_neighbors, smallest - 1),
        "random_state": int(rng.integers(2**31)),
    }
    if method == "smote":
        sampler = SMOTE(**arguments)
    else:
        border = min(k_neighbors, len(rows) - 1)
        sampler = BorderlineSMOTE(kind="borderline-2", m_neighbors=border, **arguments)
    every, classes = sampler.fit_resample(rows, y)
    new, new_y = every[len(rows) :], classes[len(rows) :]
    if inside := {c: count for c, count in counts.items() if count and c not in new_y}:
        more, more_y = smote(rows, y, inside, k_neighbors, rng)
        new, new_y = np.concatenate([new, more]), np.concatenate([new_y, more_y])
        order = new_y.argsort(kind="stable")
        new, new_y = new[order], new_y[order]
    return new, new_y


def oversample(
    rows: np.ndarray, y: np.ndarray, oversampling: Noise | Smote, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """As many synthetic rows as there are rows, and their classes.

    Neighbours are looked for with every column scaled to a standard deviation of 1; a constant column stays
    as it is.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d)]
    y : np.ndarray [shape=(n,)]
    """
    std = deviations(rows)
    if oversampling.method == "noise":
        return rows + rng.normal(0, oversampling.std, rows.shape) * std, y
    scale = np.where(std > 0, std, 1).astype(float)
    classes, counts = np.unique(y, return_counts=True)
    wanted = dict(zip(classes.tolist(), counts.tolist(), strict=True))
    new, new_y = smote(rows / scale, y, wanted, oversampling.k_neighbors, rng, oversampling.method)
    return new * scale, new_y
