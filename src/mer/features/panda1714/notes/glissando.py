"""Glissando: pitch that glides, at the start of a note or anywhere in it.

Panda, Malheiro & Paiva. IEEE TAFFC 11(4), 2020, algorithm 2. The second detector, published as
``ALT-Glissando``, is not described; ours is the widest glide of 150 cents or more.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from mer.features.panda1714.notes.melodia import STEP
from mer.features.panda1714.notes.note_stats import ratio, statistics
from mer.features.panda1714.notes.notes import Note, Notes
from mer.features.panda1714.notes.states import runs

WIDE = 150  # cents
SMOOTHING = 9  # frames (52 ms)
SLOWEST = 0.5  # cents per frame (86 per second)


@dataclass(frozen=True)
class Glide:
    """A glide of ``rise`` cents (negative downwards) that takes ``length`` seconds."""

    length: float
    rise: float


def glissando(notes: Notes) -> dict[str, float]:
    """Both detectors."""
    return {
        **_describe("EXPRESSIVE_TECHNIQUES-Glissando", notes, [approach(note) for note in notes]),
        **_describe("EXPRESSIVE_TECHNIQUES-ALT-Glissando", notes, [widest(note) for note in notes]),
    }


def approach(note: Note) -> Glide | None:
    """The glide from the start of a note to the last frame before its overall MIDI number."""
    last = int(np.argmax(note.midi_frames == note.midi)) - 1
    if last < 1 or note.cents[last] == note.cents[0]:
        return None
    return Glide((last + 1) * STEP, float(note.cents[last] - note.cents[0]))


def widest(note: Note) -> Glide | None:
    """The glide in one direction that spans most cents, if it spans 150."""
    course = uniform_filter1d(note.cents, SMOOTHING, mode="nearest")
    slopes = np.diff(course)
    glides = [
        Glide((stop - begin) * STEP, float(course[stop] - course[begin]))
        for begin, stop in runs(np.where(np.abs(slopes) > SLOWEST, np.sign(slopes), 0))
    ]
    best = max(glides, key=lambda glide: abs(glide.rise), default=None)
    return best if best and abs(best.rise) >= WIDE else None


def _describe(name: str, notes: Notes, found: list[Glide | None]) -> dict[str, float]:
    """Presence, coverage, direction, and statistics of extent (cents), length (s), slope (cents/s)."""
    glides = [glide for glide in found if glide]
    rises = np.array([glide.rise for glide in glides])
    lengths = np.array([glide.length for glide in glides])
    return {
        f"{name} Presence": float(bool(glides)),
        f"{name} Coverage": ratio(lengths.sum(), notes.duration.sum()),
        **statistics(f"{name} Extent", np.abs(rises)),
        **statistics(f"{name} Length", lengths, Max="Longest", Min="Shortest"),
        **statistics(f"{name} Slope", rises / lengths),
        f"{name} Direction (Up)": ratio(np.count_nonzero(rises > 0), len(glides)),
        f"{name} to Non Glissando Notes Ratio": ratio(len(glides), len(notes)),
    }
