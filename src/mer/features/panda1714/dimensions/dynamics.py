"""Dynamics: energy, sound levels, loudness, sharpness, dissonance; intensity of the notes.

Notes: Panda, Malheiro & Paiva. IEEE TAFFC 11(4), 2020, section 3.4. A note's intensity is its median
salience.
"""

import numpy as np

from mer.features.panda1714.notes import note_stats
from mer.features.panda1714.notes.contour import contour
from mer.features.panda1714.notes.notes import Note, Notes
from mer.features.panda1714.notes.states import States, around_mean, directions, sequence_lengths
from mer.features.panda1714.signal import dissonance, envelope, level, loudness
from mer.features.panda1714.signal.cache import HOP_10MS, SignalCache
from mer.features.panda1714.signal.spectra import decibels, ratio
from mer.features.panda1714.stats import Series

CRESCENDO = 0.2  # change from the first to the second half of a note, relative to the first


def standard(cache: SignalCache) -> Series:
    """The series of the standard set (see ``stats``).

    Proxies: Chalupper and Fastl's model without post-masking, timbral width and volume, Schroeder's
    decay of music instead of a room's response.
    """
    return {
        "MIR Toolbox/Root-Mean-Square Energy": np.sqrt(cache.energy),
        "MIR Toolbox/Low Energy Rate": float(
            (cache.energy < np.sqrt(cache.energy).mean() ** 2).mean()
        ),
        **_levels(cache),
        **_hilbert(cache),
        **_stationary(cache),
        **_dissonance(cache),
        **_dynamic(cache),
        **_varying(cache),
        "PsySound/Reverberation Time - Schroeder Integration": envelope.decay(
            cache.samples, cache.sample_rate
        ),
    }


def _levels(cache: SignalCache) -> Series:
    """Sound level meters, in dB re full scale."""
    found: dict[str, np.ndarray] = {}
    signals = {
        "A-weighted": level.a_weighted(cache.samples, cache.sample_rate),
        "Z-Unweighted": cache.samples,
    }
    for curve, signal in signals.items():
        for speed, seconds in level.TIMES.items():
            name = f"PsySound/Sound level meter - SPL {curve} {speed}"
            found[name] = level.exponential(signal, cache.sample_rate, seconds)
    weighted = level.rlb_weighted(cache.samples, cache.sample_rate)
    name = "PsySound/Revised LF B-curve (Soulodre) - Loudness level - 1s"
    return {**found, name: level.equivalent(weighted, cache.sample_rate)}


def _hilbert(cache: SignalCache) -> Series:
    found = envelope.hilbert(cache.samples, cache.sample_rate)
    return {
        f"PsySound/Hilbert - Instantaneous {name.title()}": series for name, series in found.items()
    }


def _stationary(cache: SignalCache) -> Series:
    """Moore, Glasberg and Baer: loudness, sharpness, and Malloch's width and volume."""
    specific = cache.specific
    frequencies = loudness.erb_to_hz(loudness.erb_centres(cache.sample_rate, loudness.STEP))
    widths = np.full(len(frequencies), loudness.STEP)
    total = specific @ widths
    sharp = loudness.sharpness(specific, loudness.bark(frequencies), widths)
    found = {
        "Average Specific Loudness Pattern": specific.mean(axis=0),
        "Average Excitation Pattern": decibels(cache.excitation.mean(axis=0), 1e-3),
        "Loudness": total,
        "SharpnessZ": sharp["zwicker"],
        "SharpnessA": sharp["aures"],
        "Timbral Width": ratio(total, specific.max(axis=1)),
        "Volume": ratio(total, sharp["aures"]),
    }
    return {f"PsySound/Loudness (MG & B PsySound2) - {name}": s for name, s in found.items()}


def _dissonance(cache: SignalCache) -> Series:
    """Dissonance of the tonal components after the outer and middle ear, and of the loudness pattern.

    All but Sethares' dissonance of the pattern are relative to the energy, as the published values have it.
    """
    bins = np.linspace(0, cache.sample_rate / 2, cache.auditory_power.shape[1])
    filters = loudness.erb_to_hz(loudness.erb_centres(cache.sample_rate, loudness.STEP))
    pressures = np.sqrt(cache.auditory_power * loudness.ear_gain(bins).astype(np.float32))
    tones = dissonance.normalized(dissonance.tonal(pressures))
    scenes = {
        "Tonal Dissonance (HK)": ("HK", bins, tones),
        "Tonal Dissonance (S)": ("S", bins, tones),
        "Spectral Dissonance (HK)": ("HK", filters, dissonance.normalized(cache.specific)),
        "Spectral Dissonance (S)": ("S", filters, cache.specific),
    }
    return {
        f"PsySound/Loudness (MG & B PsySound2) - {name}": dissonance.dissonance(*scene)
        for name, scene in scenes.items()
    }


def _dynamic(cache: SignalCache) -> Series:
    """Chalupper and Fastl: loudness of the critical bands and their sharpness."""
    specific = loudness.main_loudness(loudness.bark_bands(cache.auditory_power, cache.sample_rate))
    places = np.arange(specific.shape[1]) + 0.5
    sharp = loudness.sharpness(specific, places, np.ones(len(places)))
    found = {
        "Average Main Loudness": specific.mean(axis=0),
        "Average Specific Loudness": np.median(specific, axis=0),
        "Sharpness": sharp["zwicker"],
    }
    return {f"PsySound/Dynamic Loudness (C & F) - {name}": s for name, s in found.items()}


def _varying(cache: SignalCache) -> Series:
    """Glasberg and Moore: loudness level every 10 ms, short-term and long-term, in phons of the model.

    They are not calibrated (see ``loudness``).
    """
    step = HOP_10MS / cache.sample_rate
    excited = loudness.excitation(cache.power_10ms, cache.sample_rate, step=1.0)
    instant = loudness.specific(excited).sum(axis=1)
    short = loudness.smoothed(instant, step, 0.022, 0.050)
    found = {
        "Instantaneous": instant,
        "Short-term": short,
        "Long-term": loudness.smoothed(short, step, 0.099, 2.0),
    }
    model = "PsySound/Loudness (Moore, Glasberg and Baer)"
    return {f"{model} - {name} Loudness": loudness.phons(sones) for name, sones in found.items()}


def novel(notes: Notes, seconds: float) -> dict[str, float]:
    """Dynamics of the notes of a clip of ``seconds``, by published name without the channel."""
    course = "INTENSITY_CONTOURS-Intensity Contour"
    return {
        **note_stats.statistics("DYNAMICS-Notes Intensity", notes.intensity),
        **_intensities(notes, seconds),
        **_crescendi(notes, seconds),
        **contour(notes.intensity, course, f"{course} to Polynomial (degree 7) RMSE"),
    }


def _intensities(notes: Notes, seconds: float) -> dict[str, float]:
    """Notes of low, medium and high intensity; one published name has Long in place of High."""
    states = States(("Low", "Medium", "High"), around_mean(notes.intensity), notes.duration)
    misnamed = states.named("Low", "Medium", "Long")
    changes = "DYNAMICS-Transitions to Different Intensity State"
    return {
        **states.shares("DYNAMICS-{} Intensity Notes (%)"),
        **misnamed.duration_shares("DYNAMICS-{} Intensity Notes Duration (%)"),
        **states.duration_statistics("DYNAMICS-{} Intensity Notes Duration"),
        f"{changes} (Per Sec)": note_stats.ratio(states.changes, seconds),
        f"{changes} (Per Note)": note_stats.ratio(states.changes, len(notes)),
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
            f"DYNAMICS-{label} Notes (Per Note)": note_stats.ratio(count, len(notes)),
            f"DYNAMICS-{label} Notes (Per Sec)": note_stats.ratio(count, seconds),
            f"{sequences} (Per Note)": note_stats.ratio(len(lengths), len(notes)),
            f"{sequences} (Per Sec)": note_stats.ratio(len(lengths), seconds),
            **note_stats.statistics(f"DYNAMICS-Length of {label} Sequences in Notes", lengths),
            **note_stats.statistics(f"DYNAMICS-Length of {label} Sequences in Secs", durations),
        }
    return found


def _growth(note: Note) -> float:
    """Median salience of the second half of a note over that of the first, minus 1."""
    middle = (len(note.salience) + 1) // 2
    first, second = np.median(note.salience[:middle]), np.median(note.salience[-middle:])
    return note_stats.ratio(second, first) - 1
