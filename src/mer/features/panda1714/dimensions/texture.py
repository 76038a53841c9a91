"""Columns of texture: the number of musical layers, and how it changes.

Panda, Malheiro & Paiva, Novel Audio Features for Music Emotion Recognition, IEEE TAFFC 11(4), 2020.
The states ML0, ML1, ML2 and ML3 are no, one, two, and three or more layers.
"""

import numpy as np

from mer.features.panda1714.notes.note_stats import statistics
from mer.features.panda1714.notes.states import true_runs
from mer.features.panda1714.signal.layers import STEP

PREFIX = "TEXTURE-"
SHARES = ("ML0-Zero Textured", "ML1-Monophonic Texture", "ML2-Two Layer Texture")
STATES = range(4)


def novel(layers: np.ndarray) -> dict[str, float]:
    """Statistics, shares in 0..1, changes of state per second, longest stays in seconds.

    Parameters
    ----------
    layers : np.ndarray [shape=(frames,), dtype=int]
        Result of ``layers.count``.
    """
    states = np.minimum(layers, STATES[-1])
    shares = {f"{name} (Percentage)": (states == n).mean() for n, name in enumerate(SHARES)}
    longest = {f"Longest Sequence of ML{n} (in secs)": _longest(states == n) for n in STATES}
    found = statistics("Musical Layers", layers) | shares | _changes(states) | longest
    return {PREFIX + name: float(value) for name, value in found.items()}


def _changes(states: np.ndarray) -> dict[str, float]:
    """Changes from each state to each other state per second, and their sum."""
    before, after = states[:-1], states[1:]
    seconds = len(states) * STEP
    changes = {
        f"State Transitions ML{a} -> ML{b} (Per Sec)": ((before == a) & (after == b)).sum()
        / seconds
        for a in STATES
        for b in STATES
        if a != b
    }
    return changes | {"Transitions to Different ML State (Per Sec)": sum(changes.values())}


def _longest(held: np.ndarray) -> float:
    """Seconds of the longest run of True."""
    return np.diff(true_runs(held)).max(initial=0) * STEP
