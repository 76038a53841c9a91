"""The prediction of a clip from the predictions of its segments."""

from typing import NamedTuple

import numpy as np


class ClipPredictions(NamedTuple):
    """Predictions for clips, and for their segments where clips are cut.

    Attributes
    ----------
    clips : np.ndarray [shape=(n, outputs)]
    segments : np.ndarray [shape=(n, segments, outputs)] or None
    """

    clips: np.ndarray
    segments: np.ndarray | None


def vote(segments: np.ndarray, fidelity: str) -> np.ndarray:
    """The predictions for clips from those for their segments.

    Parameters
    ----------
    segments : np.ndarray [shape=(n, segments, outputs)]
    fidelity : str
        ``described``: the mean over the segments. ``released``: 1 for the rounded mean of the class
        indices of the segments, as in Louro et al.'s code: two votes for Q1 and two for Q4 make Q3
        (docs/methods.md, "Louro's ShortChunk CNN").

    Returns
    -------
    np.ndarray [shape=(n, outputs)]
    """
    if fidelity == "described":
        return segments.mean(axis=1)
    return np.eye(segments.shape[2])[np.rint(segments.argmax(axis=2).mean(axis=1)).astype(int)]


def clip_predictions(
    examples: np.ndarray, segments_per_clip: int, fidelity: str
) -> ClipPredictions:
    """The predictions for clips from those for their examples.

    Parameters
    ----------
    examples : np.ndarray [shape=(n * segments_per_clip, outputs)]
        Predictions, clip by clip.
    """
    segments = examples.reshape(-1, segments_per_clip, examples.shape[1])
    if segments_per_clip == 1:
        return ClipPredictions(segments[:, 0], None)
    return ClipPredictions(vote(segments, fidelity), segments)
