"""Timbre, loudness and dynamics: the 84 scalars of MusicExtractor's ``lowlevel``."""

from functools import cache
from typing import Any

import numpy as np

from mer.features.essentia.analysis import (
    FRAME,
    NYQUIST,
    RATE,
    algorithm,
    each,
    frames_of,
    spectra_of,
    standard,
)

SHAPES = ("crest", "flatness_db", "kurtosis", "skewness", "spread")
SPECTRAL = (
    *(f"{bank}bands_{shape}" for bank in ("bark", "erb", "mel") for shape in SHAPES),
    *("dissonance", "hfc", "pitch_salience"),
    *(f"silence_rate_{level}dB" for level in (20, 30, 60)),
    *("spectral_centroid", "spectral_complexity", "spectral_decrease", "spectral_energy"),
    *(f"spectral_energyband_{band}" for band in ("high", "low", "middle_high", "middle_low")),
    *("spectral_entropy", "spectral_flux", "spectral_kurtosis", "spectral_rms"),
    *("spectral_rolloff", "spectral_skewness", "spectral_spread", "spectral_strongpeak"),
    "zerocrossingrate",
)
SCALARS = (
    *("average_loudness", "dynamic_complexity"),
    *("loudness_ebu128.integrated", "loudness_ebu128.loudness_range"),
)
FRAMES = (*SPECTRAL, "loudness_ebu128.momentary", "loudness_ebu128.short_term")
EDGES = {
    "low": (20, 150),
    "middle_low": (150, 800),
    "middle_high": (800, 4000),
    "high": (4000, 20000),
}


def measure(original: np.ndarray, signal: np.ndarray) -> dict[str, Any]:
    """Scalars, and values per frame, by name.

    Parameters
    ----------
    original, signal : np.ndarray [shape=(n,), dtype=float32]
        The audio at 44.1 kHz, as it is and at replay gain.
    """
    return _loudness(original) | _dynamics(signal) | _frames(signal)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """``top / bottom``, 0 where that is undefined."""
    return np.divide(top, bottom, out=np.zeros_like(bottom), where=bottom != 0)


def _loudness(samples: np.ndarray) -> dict[str, Any]:
    """EBU R128 loudness in LUFS, its range in LU; a mono file leaves the right channel empty."""
    stereo = np.column_stack([samples, np.zeros_like(samples)])
    values = standard().LoudnessEBUR128()(stereo)
    kinds = ("momentary", "short_term", "integrated", "loudness_range")
    return {f"loudness_ebu128.{kind}": value for kind, value in zip(kinds, values, strict=True)}


def _dynamics(signal: np.ndarray) -> dict[str, Any]:
    """Dynamic complexity in dB, and average loudness in 0..1: 1 if all seconds are alike."""
    frames = standard().FrameGenerator(signal, frameSize=2 * RATE, hopSize=RATE, startFromZero=True)
    levels = np.array([algorithm("Loudness")(frame) for frame in frames])
    levels = np.maximum(levels / max(levels.max(), 1e-4), 1e-4)
    decibels = 10 * np.log10(levels.mean())
    return {
        "average_loudness": 0.5 + 0.5 * np.tanh(-1 + 2 * (decibels + 5) / 3),
        "dynamic_complexity": standard().DynamicComplexity()(signal)[0],
    }


def _frames(signal: np.ndarray) -> dict[str, np.ndarray]:
    """The 38 descriptors of frames of 46 ms, of the signal and of the equal-loudness filtered signal."""
    frames, weighted = (
        frames_of(signal, FRAME),
        frames_of(standard().EqualLoudness()(signal), FRAME),
    )
    spectra = spectra_of(frames)
    return _waves(frames) | _plain(spectra) | _banded(spectra) | _weighted(spectra_of(weighted))


def _waves(frames: np.ndarray) -> dict[str, np.ndarray]:
    """Zero crossings per sample, and whether a frame is below each level."""
    power = np.einsum("ij,ij->i", frames, frames) / FRAME
    positive = frames > 0
    rates = {f"silence_rate_{db}dB": power < 10 ** (-db / 20) for db in (20, 30, 60)}
    crossings = np.count_nonzero(positive[:, 1:] != positive[:, :-1], axis=1)
    return rates | {"zerocrossingrate": crossings / FRAME}


def _plain(spectra: np.ndarray) -> dict[str, np.ndarray]:
    """Descriptors of the unweighted spectrum."""
    power = (spectra**2).astype(float)
    energy = power.sum(axis=1)
    steps = np.diff(spectra, axis=0, prepend=np.zeros_like(spectra[:1]))
    beyond = power.cumsum(axis=1) >= 0.85 * energy[:, None]
    return {
        "pitch_salience": each(algorithm("PitchSalience"), spectra),
        "spectral_complexity": each(
            algorithm("SpectralComplexity", magnitudeThreshold=0.005), spectra
        ),
        "spectral_energy": energy,
        "spectral_flux": np.sqrt((steps**2).sum(axis=1)),
        "spectral_rms": np.sqrt(energy / spectra.shape[1]),
        "spectral_rolloff": beyond.argmax(axis=1) * NYQUIST / (spectra.shape[1] - 1),
        "spectral_strongpeak": each(algorithm("StrongPeak"), spectra),
    }


@cache
def _banks() -> dict[str, np.ndarray]:
    """Weights of the descriptors that are linear in the power of the bins [shape=(1025, bands)], by name.

    The weights of a bin are the bands that Essentia's algorithms compute from this bin alone.
    """
    bins = np.eye(FRAME // 2 + 1, dtype=np.float32)
    frequencies = np.linspace(0, NYQUIST, len(bins))
    centred = frequencies - frequencies.mean()
    banks = {
        "barkbands": each(algorithm("BarkBands", numberBands=27), bins),
        "erbbands": each(lambda x: algorithm("GFCC", numberBands=40)(x)[0], bins),
        "melbands": each(lambda x: algorithm("MFCC", numberBands=40)(x)[0], bins),
        "hfc": frequencies[:, None],
        "spectral_decrease": (centred / (centred @ centred))[:, None],
    }
    for name, (low, high) in EDGES.items():
        band = {"startCutoffFrequency": low, "stopCutoffFrequency": high}
        banks[f"spectral_energyband_{name}"] = each(algorithm("EnergyBand", **band), bins)[:, None]
    return banks


def _banded(spectra: np.ndarray) -> dict[str, np.ndarray]:
    """Energies of bands, and the shape of the Bark, ERB and mel bands."""
    banks = _banks()
    ends = np.cumsum([bank.shape[1] for bank in banks.values()])
    every = spectra.astype(float) ** 2 @ np.hstack(list(banks.values()))
    found: dict[str, np.ndarray] = {}
    for name, bands in zip(banks, np.split(every, ends[:-1], axis=1), strict=True):
        if bands.shape[1] == 1:
            found[name] = bands[:, 0]
        else:
            found |= _shape(f"{name}_", bands, bands.shape[1] - 1) | _peakedness(name, bands)
    return found


def _shape(prefix: str, weights: np.ndarray, span: float) -> dict[str, np.ndarray]:
    """Spread, skewness and excess kurtosis of distributions over 0..span."""
    places = np.linspace(0, 1, weights.shape[1])
    total = weights.sum(axis=1)
    m1, m2, m3, m4 = (_ratio(weights @ places**power, total) for power in (1, 2, 3, 4))
    spread = m2 - m1**2
    third = m3 - 3 * m1 * m2 + 2 * m1**3
    fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    return {
        f"{prefix}spread": spread * span**2,
        f"{prefix}skewness": _ratio(third, spread**1.5),
        f"{prefix}kurtosis": _ratio(fourth, spread**2) - 3,
    }


def _peakedness(name: str, bands: np.ndarray) -> dict[str, np.ndarray]:
    """Crest, and flatness in 0 (flat) .. 1 (60 dB between geometric and arithmetic mean)."""
    mean = bands.mean(axis=1)
    with np.errstate(divide="ignore"):
        flatness = _ratio(np.exp(np.log(bands).mean(axis=1)), mean)
        decibels = -10 * np.log10(flatness)
    return {
        f"{name}_crest": _ratio(bands.max(axis=1), mean),
        f"{name}_flatness_db": np.minimum(decibels / 60, 1),
    }


def _weighted(spectra: np.ndarray) -> dict[str, np.ndarray]:
    """Descriptors of the equal-loudness filtered spectrum."""
    magnitudes = spectra.astype(float)
    power = magnitudes**2
    share = _ratio(magnitudes, magnitudes.sum(axis=1, keepdims=True) + np.zeros_like(magnitudes))
    peaks = algorithm("SpectralPeaks", orderBy="frequency")
    dissonance = algorithm("Dissonance")
    return {
        "dissonance": each(lambda spectrum: dissonance(*peaks(spectrum)), spectra),
        "spectral_centroid": _ratio(power @ _banks()["hfc"][:, 0], power.sum(axis=1)),
        "spectral_entropy": -(
            share * np.log2(share, out=np.zeros_like(share), where=share > 0)
        ).sum(axis=1),
        **_shape("spectral_", magnitudes, NYQUIST),
    }
