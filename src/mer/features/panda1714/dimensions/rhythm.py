"""Rhythm: fluctuation, beat spectrum, events, tempo, metre; durations of the notes and how they change.

Notes: Panda, Malheiro & Paiva. IEEE TAFFC 11(4), 2020, section 3.4.
"""

import numpy as np

from mer.features.panda1714.notes.note_stats import ratio, statistics
from mer.features.panda1714.notes.notes import Notes
from mer.features.panda1714.notes.states import States, around_mean
from mer.features.panda1714.signal import envelope, similarity, tempo
from mer.features.panda1714.signal.cache import SignalCache
from mer.features.panda1714.stats import Series

LAGS = 120  # tenths of a second
LONGER = 0.1  # relative difference between similar durations
AUDIBLE = 0.02  # seconds: smaller differences are no change


def standard(cache: SignalCache) -> Series:
    """The series of the standard set (see ``stats``)."""
    seconds = len(cache.samples) / cache.sample_rate
    return {
        **_tempo(cache),
        **_beats(cache),
        "MIR Toolbox/Fluctuation": tempo.fluctuation(
            cache.power_10ms, cache.sample_rate, cache.frame_rate
        ),
        "MIR Toolbox/Beat Spectrum": similarity.beat_spectrum(cache.similarity, LAGS),
        "MIR Toolbox/Events Density": len(envelope.events(cache.envelope)) / seconds,
    }


def _tempo(cache: SignalCache) -> Series:
    """Tempo, metre and pulse clarity from the tempogram."""
    curves, frame_rate = cache.tempogram, cache.frame_rate
    overall = tempo.strongest(curves.mean(axis=0, keepdims=True), frame_rate, prior=True)
    path = tempo.path(curves, frame_rate)
    centroid, strength = tempo.metre(curves, frame_rate)
    found = {
        "Tempo (Metre)": path,
        "Tempo Change": tempo.changes(path),
        "Metrical Centroid and Strength": centroid,
        "Metrical Centroid and Strength (Frame)": strength,
        "Pulse Clarity (Frame)": np.maximum(curves[:, tempo.lags(frame_rate)], 0).max(axis=1),
    }
    series = {f"MIR Toolbox/{name}": curve for name, curve in found.items()}
    classical = tempo.strongest(curves, frame_rate, prior=False)
    return {
        **series,
        "MIR Toolbox/Tempo (Classical)": classical,
        "MIR Toolbox/Tempo (Classical) overall": float(overall[0]) if len(overall) else 0.0,
    }


def _beats(cache: SignalCache) -> Series:
    """Tempi between beats: of spectral onsets, and, as BeatRoot has it, of the rising envelope.

    Dixon. Automatic extraction of tempo and beat from expressive performances. JNMR 30(1), 2001;
    dynamic programming takes the place of its agents.
    """
    of_flux, of_energy = (
        _curve(onsets, cache.frame_rate) for onsets in (cache.onsets, cache.rises)
    )
    return {
        "MIR Toolbox/Tempo (Metre) Frame": of_flux,
        "MIR Toolbox/Tempo Change (Frame)": tempo.changes(of_flux),
        "PsySound/Beatroot Beat Detection - Tempo": of_energy,
    }


def _curve(onsets: np.ndarray, frame_rate: float) -> np.ndarray:
    """Tempi between the beats of an onset curve, in beats per minute."""
    mean = tempo.tempogram(onsets, frame_rate).mean(axis=0, keepdims=True)
    overall = tempo.strongest(mean, frame_rate, prior=True)
    found = tempo.beats(onsets, frame_rate, overall[0] if len(overall) else 0)
    return tempo.tempi(found, frame_rate)


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
