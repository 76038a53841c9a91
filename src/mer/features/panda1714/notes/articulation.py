"""Articulation: how each note leads to the next.

Panda, Malheiro & Paiva. IEEE TAFFC 11(4), 2020, algorithm 1.
"""

import numpy as np

from mer.features.panda1714.notes.note_stats import ratio, statistics
from mer.features.panda1714.notes.notes import Notes
from mer.features.panda1714.notes.states import States

LEGATO = 0.01  # seconds of silence between two notes, at most
SHORT = 0.5  # seconds: a staccato note is shorter
DETACHED = (0.25, 0.75)  # silence after a staccato note, relative to the time between the onsets
PREFIX = "EXPRESSIVE_TECHNIQUES-ART"


def articulation(notes: Notes, seconds: float) -> dict[str, float]:
    """Staccato, legato and other transitions."""
    between_onsets = np.diff(notes.start)
    silence = notes.start[1:] - notes.end[:-1]
    detached = silence / between_onsets
    durations = notes.duration[:-1]
    low, high = DETACHED
    staccato = (durations < SHORT) & (detached >= low) & (detached <= high)
    codes = np.where(silence <= LEGATO, 1, np.where(staccato, 0, 2))
    states = States(("Staccato", "Legato", "Other"), codes, durations)
    changes = f"{PREFIX}-Transitions to Different Articulation State"
    return {
        **states.shares(f"{PREFIX}-{{}} Transitions (%)"),
        **states.duration_shares(f"{PREFIX}-{{}} Notes Duration (%)"),
        **states.duration_statistics(f"{PREFIX}-{{}} Notes Duration"),
        f"{changes} (Per Sec)": ratio(states.changes, seconds),
        f"{changes} (Per State)": ratio(states.changes, len(codes)),
        **states.transitions(f"{PREFIX}-State Transitions {{}} -> {{}} (Per Sec)", seconds),
        **states.longest(f"{PREFIX}-Longest Sequence of {{}} Notes"),
        **statistics(f"{PREFIX}-Type of Staccato", detached[codes == 0]),
    }
