"""A clip's prediction from those of its segments."""

from collections.abc import Sequence

import numpy as np

from mer.learn.data import TrainingData


def vote(segments: np.ndarray, fidelity: str) -> np.ndarray:
    """A clip's probabilities from those of its segments.

    Parameters
    ----------
    segments : np.ndarray [shape=(n, segments, C)]
    fidelity : str
        ``described``: their mean. ``released``: 1 for the rounded mean of the segments' class indices,
        as Louro et al.'s code does (methods A6): two votes for Q1 and two for Q4 make Q3.

    Returns
    -------
    np.ndarray [shape=(n, C)]
    """
    if fidelity == "described":
        return segments.mean(axis=1)
    return np.eye(segments.shape[2])[np.rint(segments.argmax(axis=2).mean(axis=1)).astype(int)]


def answers(
    found: np.ndarray, material: TrainingData, ids: Sequence[str], fidelity: str
) -> dict[str, np.ndarray]:
    """``probabilities`` of clips, and their ``segments`` where clips are cut.

    Parameters
    ----------
    found : np.ndarray [shape=(n * segments, C)]
        Class probabilities of the clips' examples.
    """
    found = found.reshape(len(ids), material.segments, -1)
    if material.segments == 1:
        return {"probabilities": found[:, 0]}
    return {"probabilities": vote(found, fidelity), "segments": found}
