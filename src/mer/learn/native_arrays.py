"""Arrays of fitted estimators that compiled code of scikit-learn reads without a look at their bounds."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier

LEAF = -1  # the child of a node that has none


def check_nodes(nodes: np.ndarray, counts: np.ndarray, width: int) -> None:
    """Raise where the nodes of a forest would lead out of their tree, out of the table, or in a circle.

    Parameters
    ----------
    counts : np.ndarray
        Number of nodes of each tree.
    width : int
        Number of columns of the table.
    """
    if (counts < 1).any() or (counts > len(nodes)).any() or counts.sum() != len(nodes):
        raise ValueError(
            f"the trees of a forest must have its {len(nodes)} nodes, each one or more"
        )
    own, ends = np.concatenate([np.arange(count) for count in counts]), np.repeat(counts, counts)
    inner = nodes["left_child"] != LEAF
    for side in ("left_child", "right_child"):
        child = nodes[side]
        if (inner & ((child <= own) | (child >= ends))).any():
            raise ValueError("the nodes of a tree must lead to later nodes of it")
    if (inner & ((nodes["feature"] < 0) | (nodes["feature"] >= width))).any():
        raise ValueError(f"the nodes of a tree must read one of {width} columns")


def check_support(machine: Any) -> None:
    """Raise where libsvm would read beyond the arrays of a restored support vector machine."""
    support, counts = machine.support_, machine._n_support
    classes, found = len(counts), len(support)
    pairs = (classes * (classes - 1) // 2,)
    shapes = {
        "_n_support": (classes if is_classifier(machine) else 2,),
        "support_": (found,),
        "_dual_coef_": (classes - 1, found),
        "_intercept_": pairs,
    }
    if callable(machine.kernel):
        _check_places(support, len(machine._BaseLibSVM__Xfit))
    else:
        shapes["support_vectors_"] = (found, machine.n_features_in_)
    if machine._probA.size or machine._probB.size:
        shapes |= {"_probA": pairs, "_probB": pairs}
    for name, shape in shapes.items():
        if (given := getattr(machine, name).shape) != shape:
            raise ValueError(f"{name} must have the shape {shape}, not {given}")
    if is_classifier(machine) and ((counts < 0).any() or counts.sum() != found):
        raise ValueError(f"the classes must have {found} support vectors, each none or more")


def _check_places(support: np.ndarray, rows: int) -> None:
    """Raise where a support vector is none of the training rows."""
    if ((support < 0) | (support >= rows)).any():
        raise ValueError(f"support_ must be places of {rows} rows")
