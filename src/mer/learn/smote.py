"""Synthetic rows of a table of features: SMOTE, by imbalanced-learn, and Gaussian noise."""

import numpy as np

from mer.errors import MerError
from mer.schema.augmentation import Noise, Smote


def smote(
    rows: np.ndarray,
    y: np.ndarray,
    counts: dict[int, int],
    k_neighbors: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """New rows between a random row and one of its nearest neighbours of the same class.

    Chawla et al. SMOTE: Synthetic Minority Over-sampling Technique. JAIR 16, 2002.

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
    from imblearn.over_sampling import SMOTE  # the import takes two seconds

    sizes = {c: int((y == c).sum()) for c in sorted(counts)}
    smallest = min(sizes.values())
    if smallest < 2:
        raise MerError(
            f"SMOTE must have at least two training clips of each class, not {smallest}; select another "
            "policy, or fewer folds"
        )
    sampler = SMOTE(
        sampling_strategy={c: size + counts[c] for c, size in sizes.items()},
        k_neighbors=min(k_neighbors, smallest - 1),
        random_state=int(rng.integers(2**31)),
    )
    every, classes = sampler.fit_resample(rows, y)
    return every[len(rows) :], classes[len(rows) :]


def oversample(
    rows: np.ndarray, y: np.ndarray, oversampling: Noise | Smote, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """As many synthetic rows as there are rows, and their classes.

    Neighbours are looked for with every column scaled to a standard deviation of 1.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d)]
    y : np.ndarray [shape=(n,)]
    """
    std = rows.std(axis=0)
    if oversampling.method == "noise":
        return rows + rng.normal(0, oversampling.std, rows.shape) * std, y
    scale = np.maximum(std, np.finfo(float).tiny)
    classes, counts = np.unique(y, return_counts=True)
    wanted = dict(zip(classes.tolist(), counts.tolist(), strict=True))
    new, new_y = smote(rows / scale, y, wanted, oversampling.k_neighbors, rng)
    return new * scale, new_y
