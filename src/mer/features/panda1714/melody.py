"""Melody: fundamental frequency, pitch percepts."""

import numpy as np

from mer.features.panda1714 import pitch
from mer.features.panda1714.bank import Bank
from mer.features.panda1714.loudness import bark, ear
from mer.features.panda1714.spectra import decibels, ratio
from mer.features.panda1714.stats import Series

SCALE = 5.2  # Parncutt's, of pure tonalness
LOUDEST = 60  # dB SPL that the loudest partial of a frame is taken to have


def standard(bank: Bank) -> Series:
    """The series of the standard set (see ``stats``).

    Proxies: Terhardt's percepts without pitch shifts.
    """
    height, strength = pitch.swipe([bank.centred(size) for size in pitch.SIZES], bank.rate)
    return {
        "MIR Toolbox/F0 Estimation": bank.f0[bank.f0 > 0],
        "PsySound/Pitch (SWIPEP) - SWIPEP Pitch": height,
        "PsySound/Pitch (SWIPEP) - SWIPEP Pitch Strength": strength,
        **_percepts(bank),
    }


def _percepts(bank: Bank) -> Series:
    """Terhardt and Parncutt: tonalness, number of tones heard, and their change between frames."""
    frequencies, amplitudes = bank.partials
    heard = amplitudes**2 * ear(frequencies)
    levels = decibels(ratio(heard, heard.max(axis=1, keepdims=True))) + LOUDEST
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
