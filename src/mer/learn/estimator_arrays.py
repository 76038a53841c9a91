"""The fitted state of scikit-learn estimators as named arrays, without pickle.

Code builds the unfitted estimator from its parameters again, and the arrays restore what ``fit`` had added
to it. A file of arrays therefore names no class and runs no code.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.ensemble._forest import BaseForest
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelBinarizer, LabelEncoder
from sklearn.svm._base import BaseLibSVM
from sklearn.tree._tree import Tree

from mer.learn import native_arrays
from mer.learn.attributes import LIST, Arrays, read, stored
from mer.learn.result import split_by_prefix

# Of a selection of columns: NaN for a constant one, and no prediction reads it.
LEFT_OUT = "pvalues_"
TREES, OUTPUTS = "trees", "outputs"
ENCODERS = {  # of scikit-learn's classifiers; ``fit`` creates them
    "_label_binarizer": LabelBinarizer,
    "_label_encoder": LabelEncoder,
    "le_": LabelEncoder,
}
COMPOSED = (MultiOutputRegressor, StackingClassifier, VotingClassifier)


def _children(estimator: Any) -> dict[str, Any]:
    """The estimators inside an estimator, by name."""
    found = dict(estimator.steps) if isinstance(estimator, Pipeline) else vars(estimator)
    return {name: part for name, part in found.items() if isinstance(part, BaseEstimator)}


def _searched(estimator: Any) -> Any:
    """The estimator that a search has chosen, or chooses the parameters of; else the estimator itself."""
    if hasattr(estimator, "param_grid"):
        return getattr(estimator, "best_estimator_", estimator.estimator)
    return estimator


def to_arrays(fitted: Any) -> Arrays:
    """The numbers and texts that ``fit`` has added to an estimator and to the estimators inside it."""
    fitted = _searched(fitted)
    given = fitted.get_params(deep=False)
    arrays = {
        key: array
        for name, value in vars(fitted).items()
        if name not in given and name != LEFT_OUT
        for key, array in stored(name, _without_nan(name, value))
    }
    if isinstance(fitted, BaseForest):
        arrays |= _trees(fitted.estimators_)
    if isinstance(fitted, COMPOSED):
        for number, part in enumerate(fitted.estimators_):
            arrays |= _prefixed(f"{OUTPUTS}.{number}", to_arrays(part))
    for name, part in _children(fitted).items():
        arrays |= _prefixed(name, to_arrays(part))
    return arrays


def _without_nan(name: str, value: Any) -> Any:
    """An attribute, with the scores of constant columns, NaN, as low as scikit-learn ranks them."""
    if name != "scores_" or not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return value
    return np.nan_to_num(value, nan=np.finfo(value.dtype).min)


def _prefixed(name: str, arrays: Arrays) -> Arrays:
    return {f"{name}.{key}": array for key, array in arrays.items()}


def _own(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The arrays of an estimator without those of the estimators inside it."""
    return {k: v for k, v in arrays.items() if "." not in k.partition(f"{LIST}.")[0]}


def _inner(name: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The arrays that ``_prefixed`` has given the prefix ``name``."""
    return split_by_prefix(arrays, f"{name}.")[0]


def restored(unfitted: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """An estimator as it was when ``to_arrays`` took it apart.

    Parameters
    ----------
    unfitted : estimator
        Built from the parameters of the fitted one; it is changed.

    Raises
    ------
    ValueError
        If the arrays are those of no such estimator.
    """
    estimator = _searched(unfitted)
    _set_attributes(estimator, arrays)
    if isinstance(estimator, BaseForest):
        estimator.estimators_ = list(_restored_trees(estimator, _inner(TREES, arrays)))
    if isinstance(estimator, COMPOSED):
        estimator.estimators_ = [
            restored(part, _inner(f"{OUTPUTS}.{number}", arrays))
            for number, part in enumerate(_parts(estimator, arrays))
        ]
    if isinstance(estimator, StackingClassifier):
        estimator.stack_method_ = [estimator.stack_method] * len(estimator.estimators)
        estimator.final_estimator_ = clone(estimator.final_estimator)
    for name, kind in ENCODERS.items():
        if _inner(name, arrays):
            setattr(estimator, name, kind())
    for name, part in _children(estimator).items():
        restored(part, _inner(name, arrays))
    return estimator


def _set_attributes(estimator: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Give an estimator what ``fit`` has added to it, which is no parameter and nothing of its class."""
    given = estimator.get_params(deep=False)
    for name, value in read(_own(arrays)).items():
        if name in given or hasattr(type(estimator), name):
            raise ValueError(f"{name!r} must be an attribute that a fit adds")
        setattr(estimator, name, value)
    if isinstance(estimator, BaseLibSVM) and hasattr(estimator, "support_"):
        native_arrays.check_support(estimator)


def _parts(estimator: Any, arrays: Mapping[str, np.ndarray]) -> list[Any]:
    """The unfitted estimators that a composed one consists of, in their order."""
    if not isinstance(estimator, MultiOutputRegressor):
        return [clone(part) for _, part in estimator.estimators]
    numbers = {key.split(".")[1] for key in arrays if key.startswith(f"{OUTPUTS}.")}
    return [clone(estimator.estimator) for _ in numbers]


def _trees(trees: list[Any]) -> Arrays:
    """The nodes of the trees of a forest, one tree behind the other."""
    states = [tree.tree_.__getstate__() for tree in trees]
    nodes = [state["nodes"].view(np.uint8).reshape(state["node_count"], -1) for state in states]
    return {
        f"{TREES}.counts": np.array([state["node_count"] for state in states]),
        f"{TREES}.depths": np.array([state["max_depth"] for state in states]),
        f"{TREES}.nodes": np.concatenate(nodes),
        f"{TREES}.values": np.concatenate([state["values"] for state in states]),
    }


def _restored_trees(forest: Any, arrays: Mapping[str, np.ndarray]) -> Iterator[Any]:
    """The trees of a restored forest."""
    counts, depths, nodes, values = (
        arrays[name] for name in ("counts", "depths", "nodes", "values")
    )
    outputs = forest.n_outputs_
    classes = np.full(outputs, getattr(forest, "n_classes_", 1), dtype=np.intp)
    node = Tree(forest.n_features_in_, classes, outputs).__getstate__()["nodes"].dtype
    nodes = np.ascontiguousarray(nodes).view(node)[:, 0]
    native_arrays.check_nodes(nodes, counts, forest.n_features_in_)
    for end, count, depth in zip(counts.cumsum(), counts, depths, strict=True):
        tree = Tree(forest.n_features_in_, classes, outputs)
        own = slice(end - count, end)
        state = {"max_depth": int(depth), "node_count": int(count)}
        tree.__setstate__(state | {"nodes": nodes[own].copy(), "values": values[own].copy()})
        restored_tree = type(forest.estimator)()
        restored_tree.tree_ = tree
        for name in ("classes_", "n_classes_", "n_outputs_", "n_features_in_"):
            if hasattr(forest, name):
                setattr(restored_tree, name, getattr(forest, name))
        yield restored_tree
