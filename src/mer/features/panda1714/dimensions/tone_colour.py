"""Tone colour: spectral shape, cepstra, linear prediction, bands, attacks, roughness."""

import numpy as np

from mer.features.panda1714.signal import bands, cepstra, dissonance, envelope, lpc, spectra
from mer.features.panda1714.signal.cache import SignalCache
from mer.features.panda1714.signal.spectra import decibels, ratio, standardized
from mer.features.panda1714.stats import Series

BRIGHT = 1500  # Hz


def standard(cache: SignalCache) -> Series:
    """The series of the standard set (see ``stats``).

    Proxies: the roughness after Daniel and Weber (``dissonance.modulation``).
    """
    return {
        **_mir(cache),
        **_mir_peaks(cache),
        **_attacks(cache),
        **_marsyas(cache),
        **_prediction(cache),
        **_bands(cache),
        **_spectrum(cache),
        **_cepstrum(cache, "real", cepstra.real_cepstrum(cache.psysound)),
        **_cepstrum(cache, "complex", cepstra.complex_cepstrum(cache.psysound)),
        **_octaves(cache),
        **_roughness(cache),
    }


def _mir(cache: SignalCache) -> Series:
    """MIR Toolbox, frames of 50 ms, on magnitudes; frames next to silent are left out.

    The centroid leaves out bins 60 dB below the frame's largest, where the window's side lobes are;
    the other moments agree better with the published values when they do not.
    """
    magnitudes = cache.mir[cache.sounding]
    frequencies = np.linspace(0, cache.sample_rate / 2, magnitudes.shape[1])
    _, second, third, fourth = spectra.moments(magnitudes, frequencies)
    clear = np.where(magnitudes > 1e-3 * magnitudes.max(axis=1, keepdims=True), magnitudes, 0)
    whole = magnitudes.sum(axis=1, dtype=float)
    found = {
        "Rolloff": spectra.rolloff(magnitudes**2, 0.85) * frequencies[1],
        "High-frequency Energy": ratio(magnitudes[:, frequencies > BRIGHT].sum(axis=1), whole),
        "Spectral Flux": np.linalg.norm(np.diff(cache.mir, axis=0), axis=1),
        "Spectral Centroid": spectra.moments(clear, frequencies)[0],
        "Spectral Spread": np.sqrt(second),
        "Spectral Skewness": standardized(second, third, 3),
        "Spectral Kurtosis": standardized(second, fourth, 4),
        "Spectral Flatness": spectra.flatness(magnitudes),
        "Spectral Entropy": spectra.entropy(magnitudes),
        "Zero Crossing Rate": _crossings(cache.samples, 1102, 551) * cache.sample_rate,
        **{f"MFCC{number}": row for number, row in enumerate(cache.mfcc, 1)},
    }
    return {f"MIR Toolbox/{name}": series for name, series in found.items()}


def _crossings(samples: np.ndarray, size: int, hop: int) -> np.ndarray:
    """Changes of sign per sample in each frame [shape=(n,)]."""
    positive = spectra.frames(samples, size, hop) > 0
    return np.count_nonzero(positive[:, 1:] != positive[:, :-1], axis=1) / size


def _mir_peaks(cache: SignalCache) -> Series:
    """Roughness after Sethares of 20 partials, and Jensen's irregularity of all."""
    frequencies, amplitudes = spectra.partials(cache.mir, cache.sample_rate / 2048)
    rows, bins = np.nonzero(spectra.peaks(cache.mir))
    heights = cache.mir[rows, bins].astype(float)
    following = np.where(np.append(rows[1:], -1) == rows, np.append(heights[1:], 0), 0)
    energy = np.bincount(rows, heights**2, len(cache.mir))
    steps = np.bincount(rows, (heights - following) ** 2, len(cache.mir))
    return {
        "MIR Toolbox/Roughness": dissonance.sethares(frequencies, amplitudes),
        "MIR Toolbox/Irregularity": ratio(steps, energy)[energy > 0],
    }


def _attacks(cache: SignalCache) -> Series:
    """Rises and falls of the envelope."""
    found = envelope.attacks(cache.envelope, cache.frame_rate)
    return {
        "MIR Toolbox/Attack Time": found["time"],
        "MIR Toolbox/Attack Leap": found["leap"],
        "MIR Toolbox/Attack Slope": found["slope"],
        "MIR Toolbox/Release Phase Slope": found["release"],
    }


def _marsyas(cache: SignalCache) -> Series:
    """Marsyas, frames of 512 samples; centroid and rolloff as parts of the Nyquist frequency.

    All are computed from the power spectrum, as the published rolloff and MFCC are: Marsyas computes them
    in one processing chain.
    """
    power = cache.marsyas**2
    bins = np.arange(power.shape[1]) / (power.shape[1] - 1)
    normal = ratio(power, power.max(axis=1, keepdims=True))
    found = {
        "ZeroCrossings": _crossings(cache.samples, 512, 512),
        "Centroid": spectra.moments(power, bins)[0],
        "Rolloff": _marsyas_rolloff(power) * bins[1],
        "Flux": np.linalg.norm(np.diff(normal, axis=0, prepend=normal[:1]), axis=1),
    }
    for number, row in enumerate(cepstra.mfcc(cache.marsyas, cache.sample_rate, 13)):
        found[f"MFCC{number}"] = row
    return {f"Marsyas/{name}": series for name, series in found.items()}


def _marsyas_rolloff(power: np.ndarray) -> np.ndarray:
    """The last bin below 90 % of the power; the highest of all if that is among the lowest three.

    Marsyas searches from the highest bin downwards and keeps that bin where the search fails; the
    published values of clips with much bass show this.
    """
    found = spectra.rolloff(power, 0.9)
    return np.where(found > 2, found - 1, power.shape[1] - 1)


def _prediction(cache: SignalCache) -> Series:
    """Cepstra and line spectral pairs of linear prediction of order 18."""
    found = lpc.cepstra(cache.predictors, 12)
    pairs = lpc.line_spectrum(cache.predictors)
    return {
        **{f"Marsyas/LPCC_{number}": row for number, row in enumerate(found, 1)},
        **{f"Marsyas/LSP_{number}": row for number, row in enumerate(pairs, 1)},
    }


def _bands(cache: SignalCache) -> Series:
    """Flatness and crest of quarter octaves."""
    flat, crest = bands.flatness_and_crest(cache.marsyas**2, cache.sample_rate)
    return {
        **{f"Marsyas/SFM_{number}": row for number, row in enumerate(flat, 1)},
        **{f"Marsyas/SCF_{number}": row for number, row in enumerate(crest, 1)},
    }


def _spectrum(cache: SignalCache) -> Series:
    """PsySound's spectrum in dB, its moments and its level."""
    power = cache.power
    frequencies = np.linspace(0, cache.sample_rate / 2, power.shape[1])
    centroid, second, third, fourth = spectra.moments(power, frequencies)
    found = {
        "Average Power Spectrum": decibels(power).mean(axis=0, dtype=float),
        "Spectral Centroid (1st Moment)": centroid,
        "Spectral 2nd Moment": second,
        "Spectral 3rd Moment": third,
        "Spectral 4th Moment": fourth,
        "Standard deviation": np.sqrt(second),
        "Skewness": standardized(second, third, 3),
        "Kurtosis": standardized(second, fourth, 4),
        "Level": decibels(power.sum(axis=1, dtype=float)),
    }
    return {f"PsySound/FFT Spectrum - {name}": series for name, series in found.items()}


def _cepstrum(cache: SignalCache, kind: str, cepstrum: np.ndarray) -> Series:
    """The mean magnitude of a cepstrum [shape=(n, q)], and the moments over quefrency in ms."""
    magnitudes = np.abs(cepstrum)
    quefrencies = np.arange(magnitudes.shape[1]) * 1000 / cache.sample_rate
    centroid, second, third, fourth = spectra.moments(magnitudes, quefrencies)
    skewness, kurtosis = standardized(second, third, 3), standardized(second, fourth, 4)
    named = (
        ("Cepstral Skewness", "Cepstral Kurtosis")
        if kind == "complex"
        else ("Skewness", "Kurtosis")
    )
    found = {
        "Average Gamnitude Cepstrum": magnitudes.mean(axis=0),
        "Cepstral Centroid (1st Moment)": centroid,
        "Cepstral 2nd Moment": second,
        "Cepstral 3rd Moment": third,
        "Cepstral 4th Moment": fourth,
        "Standard deviation": np.sqrt(second),
        named[0]: skewness,
        named[1]: kurtosis,
    }
    return {f"PsySound/Cepstrum ({kind}) - {name}": series for name, series in found.items()}


def _octaves(cache: SignalCache) -> Series:
    """Levels in dB of octaves, twelfths of octaves and constant-Q bands."""
    mean = cache.power.mean(axis=0, dtype=float)
    octaves, twelfths = (bands.octave_fractions(mean, cache.sample_rate, part) for part in (1, 12))
    constant = bands.constant_q(cache.samples, cache.sample_rate) ** 2
    transform = "1/12-Oct Spectrum Const Q Transform - 1/12-Oct Spectrum"
    return {
        "PsySound/1/3-Oct & Oct Spectrum (FFT) - Octave Band Spectrum": decibels(octaves),
        "PsySound/1/12-Oct Spectrum IEC (FFT) - 1/12-Oct Spectrum": decibels(twelfths),
        f"PsySound/{transform}": decibels(constant),
    }


def _roughness(cache: SignalCache) -> Series:
    """Roughness over time, and its mean in each of ten bands."""
    found = dissonance.modulation(cache.psysound, cache.sample_rate)
    return {
        "PsySound/Roughness (D & W) - Roughness": found.sum(axis=1),
        "PsySound/Roughness (D & W) - Average Roughness": found.mean(axis=0),
    }
