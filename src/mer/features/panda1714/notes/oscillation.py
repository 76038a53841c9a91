"""Vibrato and tremolo: pitch and salience of a note that oscillate a few times a second.

Panda, Malheiro & Paiva. IEEE TAFFC 11(4), 2020, algorithm 3, finds a prominent peak in the spectrum of
half-overlapping windows. Ours fits a line plus a sinusoid by least squares, which the width of a window's
spectrum (2.7 Hz) does not bias. Window and thresholds are not published; these were chosen
among 27 settings by the rank correlation with the published columns of 32 clips of 4QAED.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mer.features.panda1714.notes.melodia import STEP
from mer.features.panda1714.notes.note_stats import ratio, statistics
from mer.features.panda1714.notes.notes import Note, Notes

WINDOW = 64  # frames, 0.37 s
HOP = 32
RATES = np.arange(3, 10.01, 0.1)  # Hz that are tried
CLEAR = 0.3  # share of the variance around the line that the sinusoid must explain
VIBRATO = (5.0, 8.0)  # Hz
VIBRATO_CENTS = 6
TREMOLO = (3.9, 8.0)  # Hz
TREMOLO_DEPTH = 0.03  # relative to the mean salience
C4 = 4800  # cents


@dataclass(frozen=True)
class Oscillation:
    """Oscillation of a note.

    Attributes
    ----------
    rate : float
        Hz, mean over the windows that oscillate.
    extent : float
        Amplitude, mean over these windows.
    coverage : float
        Share of the windows that oscillate, in 0..1.
    """

    rate: float
    extent: float
    coverage: float


def oscillation(notes: Notes) -> dict[str, float]:
    """Vibrato, its extent in cents, and tremolo, its extent relative to the mean salience."""
    vibrato = [_oscillation(note.cents, VIBRATO, VIBRATO_CENTS) for note in notes]
    tremolo = [
        _oscillation(note.salience / note.salience.mean(), TREMOLO, TREMOLO_DEPTH) for note in notes
    ]
    shaken, name = _oscillating(notes, tremolo), "EXPRESSIVE_TECHNIQUES-Tremolo"
    return {
        **_describe("Vibrato", "Base Freq", notes, vibrato),
        **_describe("Tremolo", "Notes in Cents", notes, tremolo),
        **statistics(f"{name} Salience", [note.intensity for note in shaken]),
    }


def _oscillation(course: np.ndarray, band: tuple[float, float], least: float) -> Oscillation | None:
    """The oscillation of a note's course within a band of rates; None if no window oscillates."""
    if len(course) < WINDOW:
        return None
    rates, extents, explained = fit(sliding_window_view(course, WINDOW)[::HOP])
    low, high = band
    clear = (rates >= low) & (rates <= high) & (explained >= CLEAR) & (extents >= least)
    if not clear.any():
        return None
    return Oscillation(
        float(rates[clear].mean()), float(extents[clear].mean()), float(clear.mean())
    )


def fit(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The line plus sinusoid nearest to each window.

    Parameters
    ----------
    windows : np.ndarray [shape=(n, WINDOW)]

    Returns
    -------
    rates : np.ndarray [shape=(n,)]
        Hz.
    extents : np.ndarray [shape=(n,)]
        Amplitude of the sinusoid.
    explained : np.ndarray [shape=(n,)]
        Share of the variance around the line, in 0..1.
    """
    line, waves, amplitudes = _bases()
    residual = windows - windows @ line @ line.T
    weights = np.einsum("nt,rtk->nrk", residual, waves)
    power = (weights**2).sum(axis=2)
    best = power.argmax(axis=1)
    rows = np.arange(len(windows))
    total = (residual**2).sum(axis=1)
    explained = np.divide(power[rows, best], total, out=np.zeros_like(total), where=total > 1e-12)
    sinusoids = np.einsum("nk,nkj->nj", weights[rows, best], amplitudes[best])
    return RATES[best], np.hypot(*sinusoids.T), explained


@cache
def _bases() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orthonormal bases of the lines and, per rate, of what a sinusoid adds to them.

    The last are the coefficients of sine and cosine of each vector of the latter.
    """
    time = (np.arange(WINDOW) - (WINDOW - 1) / 2) * STEP
    line = np.linalg.qr(np.stack([np.ones(WINDOW), time], axis=1))[0]
    phase = 2 * np.pi * RATES[:, None] * time
    pairs = np.stack([np.sin(phase), np.cos(phase)], axis=2)
    pairs -= line @ (line.T @ pairs)
    waves, triangle = np.linalg.qr(pairs)
    return line, waves, np.linalg.inv(triangle).transpose(0, 2, 1)


def _oscillating(notes: Notes, oscillations: list[Oscillation | None]) -> list[Note]:
    return [note for note, oscillation in zip(notes, oscillations) if oscillation]


def _describe(
    kind: str, base: str, notes: Notes, oscillations: list[Oscillation | None]
) -> dict[str, float]:
    """Coverage, and statistics of rate, extent, length and pitch of the notes that oscillate."""
    name = f"EXPRESSIVE_TECHNIQUES-{kind}"
    oscillating, found = _oscillating(notes, oscillations), [o for o in oscillations if o]
    durations = np.array([note.duration for note in oscillating])
    lengths = durations * [o.coverage for o in found]
    pitches = np.array([note.pitch for note in oscillating])
    high = pitches >= C4
    values = {
        "Rate": np.array([o.rate for o in found]),
        "Extent": np.array([o.extent for o in found]),
    }
    described: dict[str, float] = {}
    for what, x in values.items():
        described |= statistics(f"{name} {what}", x)
        described[f"{name} {what} (Weighted Mean)"] = ratio(lengths @ x, lengths.sum())
    return described | {
        f"{name} Coverage": ratio(lengths.sum(), notes.duration.sum()),
        **statistics(f"{name} Length", lengths, Max="Longest", Min="Shortest"),
        **statistics(f"{name} {base}", pitches),
        f"{name} Higher Notes Coverage (C4+)": ratio(lengths[high].sum(), durations[high].sum()),
        f"{name} to Non {kind} Notes Ratio": ratio(len(found), len(notes)),
    }
