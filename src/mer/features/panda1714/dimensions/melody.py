"""Melody: fundamental frequency and pitch percepts; pitch of the notes, its steps, registers and course.

Notes: Panda, Malheiro & Paiva. IEEE TAFFC 11(4), 2020, section 3.4.
"""

import numpy as np

from mer.features.panda1714.notes import note_stats
from mer.features.panda1714.notes.contour import contour
from mer.features.panda1714.notes.notes import Notes
from mer.features.panda1714.notes.states import directions, sequence_lengths
from mer.features.panda1714.signal import pitch
from mer.features.panda1714.signal.cache import SignalCache
from mer.features.panda1714.signal.loudness import bark, ear_gain
from mer.features.panda1714.signal.spectra import decibels, ratio
from mer.features.panda1714.stats import Series

SCALE = 5.2  # Parncutt's, of pure tonalness
LOUDEST = 60  # dB SPL that the loudest partial of a frame is taken to have
# Lowest and highest MIDI number of each voice, C4 being 60.
REGISTERS = {
    "Soprano (C4-C6)": (60, 84),
    "Mezzo-soprano (A3-A5)": (57, 81),
    "Contralto (F3-E5)": (53, 76),
    "Tenor (B2-A4)": (47, 69),
    "Baritone (G2-F4)": (43, 65),
    "Bass (E2-E4)": (40, 64),
}


def standard(cache: SignalCache) -> Series:
    """The series of the standard set (see ``stats``).

    Proxies: Terhardt's percepts without pitch shifts.
    """
    height, strength = pitch.swipe([cache.centred(size) for size in pitch.SIZES], cache.sample_rate)
    return {
        "MIR Toolbox/F0 Estimation": cache.f0[cache.f0 > 0],
        "PsySound/Pitch (SWIPEP) - SWIPEP Pitch": height,
        "PsySound/Pitch (SWIPEP) - SWIPEP Pitch Strength": strength,
        **_percepts(cache),
    }


def _percepts(cache: SignalCache) -> Series:
    """Terhardt and Parncutt: tonalness, number of audible tones, and their change between frames."""
    frequencies, amplitudes = cache.partials
    weighted = amplitudes**2 * ear_gain(frequencies)
    levels = decibels(ratio(weighted, weighted.max(axis=1, keepdims=True))) + LOUDEST
    audible = pitch.audibility(pitch.masked(bark(frequencies), levels), levels)
    audible = np.where(amplitudes > 0, audible, 0)
    salience = pitch.virtual(frequencies, audible)
    unit = ratio(salience, np.linalg.norm(salience, axis=1, keepdims=True))
    found = {
        "Pure Tonalness": np.sqrt((audible**2).sum(axis=1)) / SCALE,
        "Multiplicity": np.sqrt(ratio(salience.sum(axis=1), salience.max(axis=1))),
        "Chord Change Likelihood": 1 - (unit[1:] * unit[:-1]).sum(axis=1),
    }
    return {f"PsySound/Pitch (Terhardt) - {name}": series for name, series in found.items()}


def novel(notes: Notes, seconds: float) -> dict[str, float]:
    """Melody of the notes of a clip of ``seconds``, by published name without the channel."""
    course = "MELODIC_CONTOUR-Melodic Contour"
    return {
        **_pitches(notes.midi),
        **_registers(notes),
        **_steps(notes, seconds),
        **_sequences(notes),
        **contour(notes.midi, course, f"{course} to Polynomial (degree 7) RMSE"),
    }


def _pitches(midi: np.ndarray) -> dict[str, float]:
    """MIDI numbers, how many distinct ones there are, and the steps between successive ones."""
    found = note_stats.statistics("MELODY-MIDI Notes", midi)
    highest, lowest = found.pop("MELODY-MIDI Notes (Max)"), found.pop("MELODY-MIDI Notes (Min)")
    return {
        **found,
        "MELODY-Highest Note": highest,
        "MELODY-Lowest Note": lowest,
        "MELODY-MIDI Notes Range": highest - lowest,
        "MELODY-MIDI Note Space Length": float(len(np.unique(midi))),
        "MELODY-Chroma Note Space Length": float(len(np.unique(midi % 12))),
        **note_stats.statistics("MELODY-Notes Smoothness", np.abs(np.diff(midi))),
    }


def _registers(notes: Notes) -> dict[str, float]:
    """Share of the notes, and of their duration, that each voice can sing."""
    found = {}
    for register, (lowest, highest) in REGISTERS.items():
        inside = (notes.midi >= lowest) & (notes.midi <= highest)
        share = note_stats.ratio(notes.duration[inside].sum(), notes.duration.sum())
        found[f"MELODY-RD-{register}"] = note_stats.ratio(inside.sum(), len(notes))
        found[f"MELODY-RD-{register} Duration (%)"] = share
    return found


def _steps(notes: Notes, seconds: float) -> dict[str, float]:
    """Notes followed by a lower, the same or a higher one."""
    steps = directions(notes.midi, notes.duration)
    moves = steps.named(
        "Transition to Lower Notes", "Stable Sequence (Same Note)", "Transition to Higher Notes"
    )
    followed = steps.named("Lower", "Similar", "Higher")
    going = steps.named("Going Down", "Stable", "Going Up")
    different = np.count_nonzero(np.diff(notes.midi))
    return {
        **moves.shares("STATES_MELODY-{} (%)"),
        **moves.duration_shares("STATES_MELODY-{} (% of total duration)"),
        **followed.duration_statistics("STATES_MELODY-Duration of Notes Followed by a {} Note"),
        "STATES_MELODY-Transitions to Different Note (Per Sec)": note_stats.ratio(
            different, seconds
        ),
        "STATES_MELODY-Transitions to Different Note (Per Note)": note_stats.ratio(
            different, len(notes)
        ),
        **going.transitions("STATES_MELODY-State Transitions {} -> {} (Per Sec)", seconds),
    }


def _sequences(notes: Notes) -> dict[str, float]:
    """Successions of falling, equal and rising notes; one of two transitions has three notes."""
    steps = directions(notes.midi, notes.duration)
    longest = steps.named("Decreasing", "Similar", "Increasing")
    found = longest.longest("STATES_MELODY-Longest Sequence of {} Notes")
    for code, label in enumerate(steps.labels):
        lengths, durations = sequence_lengths(steps, code, notes.duration)
        name = f"STATES_MELODY-Duration of {label} Sequences in"
        found |= note_stats.statistics(f"{name} Notes", lengths)
        found |= note_stats.statistics(f"{name} Seconds", durations)
    return found
