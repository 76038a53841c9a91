"""Tuning, key and chords: the descriptors of MusicExtractor's ``tonal`` in the profile ``wide``."""

from typing import Any

import numpy as np

from mer.features.essentia.analysis import (
    FRAME,
    SILENCE,
    algorithm,
    each,
    frames_of,
    spectra_of,
    standard,
)

PROFILES = ("edma", "krumhansl", "temperley")
SCALARS = (
    *("chords_changes_rate", "chords_number_rate"),
    *(f"key_{profile}.strength" for profile in PROFILES),
    *("tuning_diatonic_strength", "tuning_equal_tempered_deviation"),
    *("tuning_frequency", "tuning_nontempered_energy_ratio"),
)
FRAMES = ("chords_strength", "hpcp_crest", "hpcp_entropy")


def measure(signal: np.ndarray) -> dict[str, Any]:
    """Tuning in Hz and its distance from twelve equal steps, strength of key and chords, their rates."""
    spectra = spectra_of(frames_of(signal, 2 * FRAME))
    if not len(spectra):
        return dict.fromkeys(SCALARS, 0.0) | {name: np.zeros(0) for name in FRAMES}
    tuning = _tuning(spectra)
    peaks = _peaks(spectra, maxPeaks=60, minFrequency=20, maxFrequency=3500, orderBy="magnitude")
    whole = _profiles(peaks, tuning, size=36, bandPreset=False, nonLinear=False, windowSize=1)
    sharp = {"harmonics": 8, "bandSplitFrequency": 500, "nonLinear": True, "windowSize": 0.5}
    chords = _profiles(peaks, tuning, size=36, **sharp)
    fine = _profiles(peaks, tuning, size=120, **sharp)
    keys = {profile: _key(profile, _tuned(whole.mean(axis=0))) for profile in PROFILES}
    return {
        "tuning_frequency": tuning,
        "hpcp_crest": each(algorithm("Crest"), chords),
        "hpcp_entropy": each(algorithm("Entropy"), chords),
        **{f"key_{profile}.strength": key[2] for profile, key in keys.items()},
        **_chords(chords, *keys["temperley"][:2]),
        **_temperament(fine.mean(axis=0)),
    }


def _peaks(spectra: np.ndarray, **options: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Frequencies in Hz and magnitudes of the peaks of each spectrum."""
    find = algorithm("SpectralPeaks", magnitudeThreshold=1e-5, **options)
    return [find(spectrum) for spectrum in spectra]


def _tuning(spectra: np.ndarray) -> float:
    """The frequency of A4 in Hz, from all frames."""
    estimate, tuning = standard().TuningFrequency(), 440.0
    options = {"maxPeaks": 10000, "minFrequency": 40, "maxFrequency": 5000}
    for peaks in _peaks(spectra, orderBy="frequency", **options):
        tuning = estimate(*peaks)[0]
    return tuning


def _profiles(peaks: list, tuning: float, **options: Any) -> np.ndarray:
    """Harmonic pitch class profiles [shape=(n, size)]."""
    limits = {"minFrequency": 20, "maxFrequency": 3500, "weightType": "cosine"}
    profile = standard().HPCP(referenceFrequency=tuning, **limits, **options)
    return np.array([profile(*frame) for frame in peaks])


def _tuned(pitches: np.ndarray) -> np.ndarray:
    """The mean profile [shape=(36,)] without what is below a fifth of its peak, that on a semitone."""
    pitches = pitches / max(pitches.max(), SILENCE)
    offset = (pitches.argmax() + 1) % 3 - 1
    return np.roll(np.where(pitches < 0.2, 0, pitches), -offset).astype(np.float32)


def _key(profile: str, pitches: np.ndarray) -> tuple[str, str, float, float]:
    """Key, scale, strength and its lead."""
    options = {"numHarmonics": 4, "pcpSize": 36, "slope": 0.6}
    return algorithm("Key", profileType=profile, **options)(pitches)


def _chords(pitches: np.ndarray, key: str, scale: str) -> dict[str, Any]:
    """Strength of the chords, how many of them are used and how often they change."""
    chords, strength = standard().ChordsDetection()(pitches)
    _, number, changes, *_ = standard().ChordsDescriptors()(chords, key, scale)
    rates = {"chords_number_rate": number, "chords_changes_rate": changes}
    return {"chords_strength": strength, **rates}


def _temperament(pitches: np.ndarray) -> dict[str, float]:
    """Distances of the mean profile [shape=(120,)] from a diatonic and an equally tempered scale."""
    pitches = pitches / max(pitches.max(), SILENCE)
    deviation, energy, _ = algorithm("HighResolutionFeatures")(pitches)
    return {
        "tuning_diatonic_strength": _key("diatonic", pitches)[2],
        "tuning_equal_tempered_deviation": deviation,
        "tuning_nontempered_energy_ratio": energy,
    }
