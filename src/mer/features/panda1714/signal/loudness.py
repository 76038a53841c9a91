"""Loudness models.

Moore, Glasberg, Baer. A model for the prediction of thresholds, loudness, and partial loudness. JAES
45, 1997 (reduced: level-independent roex filters, one compressive law). Glasberg, Moore. A model of
loudness applicable to time-varying sounds. JAES 50, 2002. Chalupper, Fastl. Dynamic loudness model
for normal and hearing-impaired listeners. Acta Acustica 88, 2002 (proxy: no post-masking).
Zwicker, Fastl. Psychoacoustics; Aures. Berechnungsverfahren für den sensorischen Wohlklang. Acustica
59, 1985 (sharpness). Malloch. Timbre and technology, 1997 (timbral width and volume; proxies).

Sones and phons are units of these models and are not calibrated: a tone of 1 kHz at 40 dB SPL, which has 1
sone and 40 phons by definition, gets 0.43 sone and 30 phons.
"""

from functools import cache

import numpy as np

from mer.features.panda1714.signal.spectra import ratio

FULL_SCALE = 90.0  # dB SPL of a full-scale sine, as the published spectra have it
STEP = 0.25  # ERB numbers between filters


def bark(frequencies: np.ndarray) -> np.ndarray:
    """Traunmüller's critical-band rate."""
    return np.maximum(26.81 * frequencies / (1960 + frequencies) - 0.53, 0)


def hz_to_erb(frequencies: np.ndarray) -> np.ndarray:
    """ERBs below a frequency in Hz."""
    return 21.366 * np.log10(1 + 0.004368 * frequencies)


def erb_centres(sample_rate: int, step: float) -> np.ndarray:
    """Filters from 1.75 ERB (50 Hz) up to the Nyquist frequency, in ERB numbers."""
    return np.arange(1.75, float(hz_to_erb(np.array(sample_rate / 2))), step)


def erb_to_hz(number: np.ndarray) -> np.ndarray:
    """The inverse of ``hz_to_erb``."""
    return (10 ** (number / 21.366) - 1) / 0.004368


def ear_gain(frequencies: np.ndarray) -> np.ndarray:
    """Terhardt's transmission of the outer and middle ear, as a gain of power."""
    kilo = np.maximum(frequencies, 20) / 1000
    lost = -3.64 * kilo**-0.8 + 6.5 * np.exp(-0.6 * (kilo - 3.3) ** 2) - 1e-3 * kilo**4
    return 10 ** (lost / 10)


@cache
def roex(bins: int, sample_rate: int, step: float) -> np.ndarray:
    """Rounded-exponential filters after the outer and middle ear [shape=(bins, filters)]."""
    frequencies = np.linspace(0, sample_rate / 2, bins)
    centres = erb_to_hz(erb_centres(sample_rate, step))
    slope = 4 * centres / (24.7 * (0.004368 * centres + 1))
    away = slope * np.abs(frequencies[:, None] - centres) / centres
    return ((1 + away) * np.exp(-away) * ear_gain(frequencies)[:, None]).astype(np.float32)


def excitation(power: np.ndarray, sample_rate: int, step: float = STEP) -> np.ndarray:
    """Power at the output of each auditory filter, re 0 dB SPL [shape=(n, filters)].

    Parameters
    ----------
    power : np.ndarray [shape=(n, bins)]
        A full-scale sine sums to 1.5 over its bins, the noise bandwidth of a Hann window, and thus has 1.8
        dB more than ``FULL_SCALE``.
    """
    return (power @ roex(power.shape[1], sample_rate, step)).astype(float) * 10 ** (FULL_SCALE / 10)


def specific(excited: np.ndarray) -> np.ndarray:
    """Sones per ERB: 0.047 ((E + 10)^0.2 - 10^0.2) [shape of excited]."""
    return 0.047 * ((excited + 10) ** 0.2 - 10**0.2)


def phons(sones: np.ndarray) -> np.ndarray:
    """Loudness level: 40 phons are 1 sone of the model, 10 more double it; below, Zwicker's bend."""
    loud = 40 + 10 * np.log2(np.maximum(sones, 1))
    return np.where(sones >= 1, loud, 40 * (sones + 0.0005) ** 0.35)


def sharpness(
    loudness: np.ndarray, bark_places: np.ndarray, widths: np.ndarray
) -> dict[str, np.ndarray]:
    """Sharpness in acum of specific loudness [shape=(n, bands)], after Zwicker and after Aures."""
    total = loudness @ widths
    rising = np.exp(0.171 * bark_places)
    weight = np.where(bark_places > 16, 0.066 * rising, 1) * bark_places
    return {
        "zwicker": 0.11 * ratio(loudness @ (widths * weight), total),
        "aures": 0.11 * 0.078 * ratio(loudness @ (widths * rising), np.log(0.05 * total + 1)),
    }


@cache
def bark_filters(bins: int, sample_rate: int) -> np.ndarray:
    """Which of the 24 critical bands a bin is in, after the outer and middle ear [shape=(bins, 24)]."""
    frequencies = np.linspace(0, sample_rate / 2, bins)
    band = np.clip(bark(frequencies).astype(int), 0, 23)
    return ((band[:, None] == np.arange(24)) * ear_gain(frequencies)[:, None]).astype(np.float32)


def bark_bands(power: np.ndarray, sample_rate: int) -> np.ndarray:
    """Power in each critical band up to the Nyquist frequency, re 0 dB SPL [shape=(n, bands)]."""
    bank = bark_filters(power.shape[1], sample_rate)[:, : int(bark(np.array(sample_rate / 2))) + 1]
    return (power @ bank).astype(float) * 10 ** (FULL_SCALE / 10)


def main_loudness(bands: np.ndarray) -> np.ndarray:
    """Sones per Bark of band powers, threshold in quiet at 4 dB [shape of bands]."""
    quiet = 10**0.4
    return 0.063 * ((bands + quiet) ** 0.23 - quiet**0.23)


def smoothed(values: np.ndarray, step: float, attack: float, release: float) -> np.ndarray:
    """One-pole smoothing that rises and falls with different times in s [shape=(n,)]."""
    up, down = 1 - np.exp(-step / attack), 1 - np.exp(-step / release)
    found, state = [], 0.0
    for value in values.tolist():
        state += (up if value > state else down) * (value - state)
        found.append(state)
    return np.array(found)
