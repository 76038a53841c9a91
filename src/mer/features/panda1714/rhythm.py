"""Rhythm: durations of the notes and how they change.

Panda, Malheiro & Paiva. IEEE TAFFC 11(4), 2020, section 3.4.
"""

import numpy as np

from mer.features.panda1714.note_stats import ratio, statistics
from mer.features.panda1714.notes import Notes
from mer.features.panda1714.states import States, around_mean

LONGER = 0.1  # relative difference between similar durations
AUDIBLE = 0.02  # seconds: smaller differences are no change


def novel(notes: Notes, seconds: float) -> dict[str, float]:
    """Rhythm of the notes of a clip of ``seconds``, by published name without the channel."""
    return {
        **statistics("RHYTHM-Note Duration", notes.duration),
        **_lengths(notes.duration, seconds),
        **_changes(notes.duration, seconds),
    }


def _lengths(durations: np.ndarray, seconds: float) -> dict[str, float]:
    """Short, medium and long notes."""
    states = States(("Short", "Medium", "Long"), around_mean(durations), durations)
    return {
        **states.shares("RHYTHM-{} Notes (%)"),
        **states.duration_shares("RHYTHM-{} Notes Duration (%)"),
        **states.duration_statistics("RHYTHM-{} Notes Duration"),
        "RHYTHM-Transitions to Different State (Per Sec)": ratio(states.changes, seconds),
        "RHYTHM-Transitions to Different State (Per Note)": ratio(states.changes, len(durations)),
        **states.transitions("RHYTHM-State Transitions {} -> {} (Per Sec)", seconds),
        **states.longest("RHYTHM-Longest Sequence of {} Notes"),
    }


def _changes(durations: np.ndarray, seconds: float) -> dict[str, float]:
    """Transitions to a shorter, similar or longer note."""
    steps = np.diff(durations)
    different = (np.abs(steps) > LONGER * durations[:-1]) & (np.abs(steps) >= AUDIBLE)
    codes = 1 + np.where(different, np.sign(steps), 0).astype(int)
    states = States(("Decreasing", "Similar", "Increasing"), codes, durations[:-1])
    name = "RHYTHM-CHANGES-{} Duration Notes Transitions"
    changes = "RHYTHM-CHANGES-Transitions to Different State"
    return {
        **states.shares(f"{name} (%)"),
        **states.duration_shares(f"{name} Duration (%)"),
        **states.duration_statistics(f"{name} Duration"),
        f"{changes} (Per Sec)": ratio(states.changes, seconds),
        f"{changes} (Per Note)": ratio(states.changes, len(durations)),
        **states.transitions("RHYTHM-CHANGES-State Transitions {} -> {} (Per Sec)", seconds),
        **states.longest("RHYTHM-CHANGES-Longest Sequence of {} Duration Notes Transitions"),
    }
