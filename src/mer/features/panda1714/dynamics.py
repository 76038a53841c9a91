"""Dynamics: intensity of the notes, how it changes between and within them.

Panda, Malheiro & Paiva. IEEE TAFFC 11(4), 2020, section 3.4. A note's intensity is its median salience.
"""

import numpy as np

from mer.features.panda1714.contour import contour
from mer.features.panda1714.note_stats import ratio, statistics
from mer.features.panda1714.notes import Note, Notes
from mer.features.panda1714.states import States, around_mean, directions, sequence_lengths

CRESCENDO = 0.2  # change from the first to the second half of a note, relative to the first


def novel(notes: Notes, seconds: float) -> dict[str, float]:
    """Dynamics of the notes of a clip of ``seconds``, by published name without the channel."""
    course = "INTENSITY_CONTOURS-Intensity Contour"
    return {
        **statistics("DYNAMICS-Notes Intensity", notes.intensity),
        **_levels(notes, seconds),
        **_crescendi(notes, seconds),
        **contour(notes.intensity, course, f"{course} to Polynomial (degree 7) RMSE"),
    }


def _levels(notes: Notes, seconds: float) -> dict[str, float]:
    """Notes of low, medium and high intensity; the published name of one column says Long for High."""
    states = States(("Low", "Medium", "High"), around_mean(notes.intensity), notes.duration)
    misnamed = states.named("Low", "Medium", "Long")
    changes = "DYNAMICS-Transitions to Different Intensity State"
    return {
        **states.shares("DYNAMICS-{} Intensity Notes (%)"),
        **misnamed.duration_shares("DYNAMICS-{} Intensity Notes Duration (%)"),
        **states.duration_statistics("DYNAMICS-{} Intensity Notes Duration"),
        f"{changes} (Per Sec)": ratio(states.changes, seconds),
        f"{changes} (Per Note)": ratio(states.changes, len(notes)),
        **states.transitions("DYNAMICS-Intensity State Transitions {} -> {} (Per Sec)", seconds),
        **states.longest("DYNAMICS-Longest Sequence of {} Intensity Notes"),
    }


def _crescendi(notes: Notes, seconds: float) -> dict[str, float]:
    """Notes that get louder or softer, and sequences of ever louder or softer notes."""
    growth = np.array([_growth(note) for note in notes])
    steps = directions(notes.intensity, notes.duration)
    found: dict[str, float] = {}
    for label, code, sign in (("Crescendo", 2, 1), ("Decrescendo", 0, -1)):
        count = np.count_nonzero(sign * growth > CRESCENDO)
        lengths, durations = sequence_lengths(steps, code, notes.duration)
        sequences = f"DYNAMICS-Number of {label} Sequences"
        found |= {
            f"DYNAMICS-{label} Notes (Per Note)": ratio(count, len(notes)),
            f"DYNAMICS-{label} Notes (Per Sec)": ratio(count, seconds),
            f"{sequences} (Per Note)": ratio(len(lengths), len(notes)),
            f"{sequences} (Per Sec)": ratio(len(lengths), seconds),
            **statistics(f"DYNAMICS-Length of {label} Sequences in Notes", lengths),
            **statistics(f"DYNAMICS-Length of {label} Sequences in Secs", durations),
        }
    return found


def _growth(note: Note) -> float:
    """Median salience of the second half of a note over that of the first, minus 1."""
    middle = (len(note.salience) + 1) // 2
    first, second = np.median(note.salience[:middle]), np.median(note.salience[-middle:])
    return ratio(second, first) - 1
