"""Descriptors of notes that are in one of three states: shares, durations, changes, runs.

Panda, Malheiro & Paiva. Novel Audio Features for Music Emotion Recognition. IEEE TAFFC 11(4), 2020,
section 3.4, describe register, intensity, duration and articulation in this one way.
"""

from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from mer.features.panda1714.notes.note_stats import constant, ratio, statistics


def runs(codes: np.ndarray) -> np.ndarray:
    """Begin and stop of each stretch of equal codes, in order [shape=(stretches, 2), dtype=int]."""
    if not len(codes):
        return np.zeros((0, 2), int)
    edges = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)]])
    return np.stack([edges[:-1], edges[1:]], axis=1)


def true_runs(held: np.ndarray) -> np.ndarray:
    """Begin and stop of each stretch of True, in order [shape=(stretches, 2), dtype=int]."""
    pairs = runs(held)
    return pairs[held[pairs[:, 0]]]


def around_mean(values: np.ndarray) -> np.ndarray:
    """The state of each value: 0 at or below mean - sd/2, 2 at or above mean + sd/2, else 1.

    All states are 1 where the values are constant.
    """
    if not len(values) or constant(values):
        return np.ones(len(values), int)
    mean, half = values.mean(), values.std(ddof=1) / 2
    return 1 - (values <= mean - half) + (values >= mean + half)


@dataclass(frozen=True)
class States:
    """The state of each of some notes, in the order of time.

    A transition's state is that of the note before it. Names hold ``{}`` for the label of a state.

    Attributes
    ----------
    labels : tuple of str
    codes : np.ndarray [shape=(n,), dtype=int]
        Indices into ``labels``.
    durations : np.ndarray [shape=(n,)]
        Durations of the notes in seconds.
    """

    labels: tuple[str, ...]
    codes: np.ndarray
    durations: np.ndarray

    def named(self, *labels: str) -> "States":
        """The states with other labels."""
        return replace(self, labels=labels)

    def shares(self, name: str) -> dict[str, float]:
        """Share of the notes in each state, in 0..1."""
        counts = np.bincount(self.codes, minlength=len(self.labels))
        return self._labelled(name, [ratio(count, len(self.codes)) for count in counts])

    def duration_shares(self, name: str) -> dict[str, float]:
        """Share of the notes' duration in each state, in 0..1."""
        sums = np.bincount(self.codes, self.durations, len(self.labels))
        return self._labelled(name, [ratio(part, self.durations.sum()) for part in sums])

    def duration_statistics(self, name: str) -> dict[str, float]:
        """Six statistics of the duration of the notes in each state, in seconds."""
        found: dict[str, float] = {}
        for code, label in enumerate(self.labels):
            found |= statistics(name.format(label), self.durations[self.codes == code])
        return found

    @property
    def changes(self) -> int:
        """The number of changes from one state to another."""
        return max(len(runs(self.codes)) - 1, 0)

    def transitions(self, name: str, seconds: float) -> dict[str, float]:
        """Changes per second from each state (the first ``{}``) to each other (the second)."""
        pairs = list(zip(self.codes[:-1], self.codes[1:]))
        return {
            name.format(self.labels[i], self.labels[j]): ratio(pairs.count((i, j)), seconds)
            for i, j in permutations(range(len(self.labels)), 2)
        }

    def longest(self, name: str) -> dict[str, float]:
        """Length of the longest run of each state."""
        longest = [max((len(run) for run in self.sequences(i)), default=0) for i in self._codes]
        return self._labelled(name, longest)

    def sequences(self, code: int) -> list[range]:
        """Positions of each run of a state."""
        return [range(i, j) for i, j in runs(self.codes) if self.codes[i] == code]

    @property
    def _codes(self) -> range:
        return range(len(self.labels))

    def _labelled(self, name: str, values: list) -> dict[str, float]:
        return {name.format(label): float(x) for label, x in zip(self.labels, values)}


def directions(values: np.ndarray, durations: np.ndarray) -> States:
    """Whether each value is followed by a lower (0), an equal (1) or a higher one (2)."""
    codes = 1 + np.sign(np.diff(values)).astype(int)
    return States(("Decreasing", "Stable", "Increasing"), codes, durations[: len(codes)])


def sequence_lengths(states: States, code: int, durations: np.ndarray) -> tuple[list, list]:
    """Lengths of the runs of a transition, in notes and in seconds.

    Parameters
    ----------
    states : States
        States of the transitions between notes.
    code : int
        The transition; a run of two of them has three notes.
    durations : np.ndarray [shape=(n,)]
        Durations of all notes, the last one included, in seconds.
    """
    found = states.sequences(code)
    return [len(run) + 1 for run in found], [
        durations[run.start : run.stop + 1].sum() for run in found
    ]
