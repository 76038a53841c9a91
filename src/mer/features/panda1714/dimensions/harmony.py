"""Harmony: chroma, key, mode, tonal centroid, inharmonicity."""

import numpy as np
from scipy.signal.windows import hamming

from mer.features.panda1714.signal import chroma, spectra
from mer.features.panda1714.signal.cache import MIR_FRAME, SignalCache
from mer.features.panda1714.signal.spectra import ratio
from mer.features.panda1714.stats import Series


def standard(cache: SignalCache) -> Series:
    """The series of the standard set (see ``stats``)."""
    return {**_keys(cache), **_centroids(cache), **_marsyas(cache), **_inharmonicity(cache)}


def _keys(cache: SignalCache) -> Series:
    """Chroma of the clip's one spectrum, max 1; how well each key fits it; the best, 1 (C) .. 12; the mode.

    The mean of the twelve strengths of a mode is 0 by definition. MIR Toolbox correlates with Gómez'
    profiles (INFORMS Journal on Computing 18(3), 2006), we with those of Krumhansl and Kessler.
    """
    size = len(cache.samples)
    spectrum = np.abs(
        spectra.transform(cache.samples, hamming(size), size, 1 << (size - 1).bit_length())
    )
    whole = chroma.chromagram(spectrum, size / cache.sample_rate, cache.sample_rate)[0]
    major, minor = (chroma.strengths(whole, profile) for profile in (chroma.MAJOR, chroma.MINOR))
    found: dict[str, np.ndarray | float] = {
        "Chromagram": whole,
        "Key Major Strength": major,
        "Key Minor Strength": minor,
        "Key": 1.0 + np.r_[major, minor].argmax() % 12,
        "Mode": float(major.max() - minor.max()),
    }
    each = {"Chroma": whole, "Key Major Strength": major, "Key Minor Strength": minor}
    for what, vector in each.items():
        found |= {f"{what} {name}": number for name, number in zip(chroma.NAMES, vector.tolist())}
    return {f"MIR Toolbox/{name}": series for name, series in found.items()}


def _centroids(cache: SignalCache) -> Series:
    """Tonal centroid of MIR Toolbox' frames of 50 ms, and the step it takes between frames.

    The published deviation of the third coordinate shows the length of the frames and the 20 dB of
    ``chromagram``; that the change detection is of the same frames is taken from it.
    """
    seconds = MIR_FRAME / cache.sample_rate
    found = chroma.tonal_centroid(chroma.chromagram(cache.mir, seconds, cache.sample_rate))
    steps = np.linalg.norm(np.diff(found, axis=0), axis=1)
    return {
        **{f"MIR Toolbox/Tonal Centroid {number}": row for number, row in enumerate(found.T, 1)},
        "MIR Toolbox/Harmonic Change Detection Function": steps,
    }


def _marsyas(cache: SignalCache) -> Series:
    """Pitch classes every 512 samples (held for the four of a hop), their peak over mean and minimum."""
    held = np.repeat(cache.chroma, 4, axis=0)
    peak = held.max(axis=1)
    found = {f"Chroma_{name}": ratio(row, peak) for name, row in zip(chroma.NAMES, held.T)}
    found["Average_Chroma_A"] = ratio(peak, held.mean(axis=1))
    found["Minimum_Chroma_A"] = ratio(peak, held.min(axis=1))
    return {f"Marsyas/{name}": series for name, series in found.items()}


def _inharmonicity(cache: SignalCache) -> Series:
    """Mean distance of the spectrum's magnitude from the multiples of the fundamental, 0..1.

    0 on a multiple, 1 halfway between two of them.
    """
    voiced = cache.f0 > 0
    weight = cache.mir[voiced]
    frequencies = np.linspace(0, cache.sample_rate / 2, weight.shape[1], dtype=np.float32)
    multiple = frequencies / cache.f0[voiced, None].astype(np.float32)
    away = np.einsum("ij,ij->i", weight, 2 * np.abs(multiple - np.round(multiple)), dtype=float)
    return {"MIR Toolbox/Inharmonicity": ratio(away, weight.sum(axis=1, dtype=float))}
