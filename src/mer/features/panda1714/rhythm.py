"""Rhythm: fluctuation, beat spectrum, events, tempo, metre."""

import numpy as np

from mer.features.panda1714 import envelope, similarity, tempo
from mer.features.panda1714.bank import Bank
from mer.features.panda1714.stats import Series

LAGS = 120  # tenths of a second


def standard(bank: Bank) -> Series:
    """The series of the standard set (see ``stats``)."""
    seconds = len(bank.samples) / bank.rate
    return {
        **_tempo(bank),
        **_beats(bank),
        "MIR Toolbox/Fluctuation": tempo.fluctuation(bank.fine, bank.rate, bank.frame_rate),
        "MIR Toolbox/Beat Spectrum": similarity.beat_spectrum(bank.similarity, LAGS),
        "MIR Toolbox/Events Density": len(envelope.events(bank.envelope)) / seconds,
    }


def _tempo(bank: Bank) -> Series:
    """What the tempogram says of tempo, metre and the clarity of the pulse."""
    curves, rate = bank.tempogram, bank.frame_rate
    overall = tempo.strongest(curves.mean(axis=0, keepdims=True), rate, prior=True)
    path = tempo.path(curves, rate)
    centroid, strength = tempo.metre(curves, rate)
    found = {
        "Tempo (Metre)": path,
        "Tempo Change": tempo.changes(path),
        "Metrical Centroid and Strength": centroid,
        "Metrical Centroid and Strength (Frame)": strength,
        "Pulse Clarity (Frame)": np.maximum(curves[:, tempo.lags(rate)], 0).max(axis=1),
    }
    series = {f"MIR Toolbox/{name}": curve for name, curve in found.items()}
    classical = tempo.strongest(curves, rate, prior=False)
    return {
        **series,
        "MIR Toolbox/Tempo (Classical)": classical,
        "MIR Toolbox/Tempo (Classical) overall": float(overall[0]) if len(overall) else 0.0,
    }


def _beats(bank: Bank) -> Series:
    """Tempi between beats: of spectral onsets, and, as BeatRoot has it, of the rising envelope.

    Dixon. Automatic extraction of tempo and beat from expressive performances. JNMR 30(1), 2001;
    dynamic programming takes the place of its agents.
    """
    of_flux, of_energy = (_curve(onsets, bank.frame_rate) for onsets in (bank.onsets, bank.rises))
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
