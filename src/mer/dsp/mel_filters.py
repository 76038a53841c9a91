"""Triangular mel filters: the values of ``librosa.filters.mel``, whose import takes most of a second."""

import numpy as np

from mer.audio import hz_to_mel, mel_to_hz

HZ_PER_MEL = 200 / 3  # of Slaney's scale, which is linear up to 1000 Hz
LOGARITHMIC_HZ = 1000.0
LOGARITHMIC_MEL = LOGARITHMIC_HZ / HZ_PER_MEL
STEP = np.log(6.4) / 27  # of the logarithm of the frequency above that, in a mel


def _slaney_mel(frequencies: np.ndarray) -> np.ndarray:
    """Frequencies in Hz on the mel scale of Slaney's Auditory Toolbox."""
    logarithms = np.log(np.maximum(frequencies, LOGARITHMIC_HZ) / LOGARITHMIC_HZ)
    above = LOGARITHMIC_MEL + logarithms / STEP
    return np.where(frequencies > LOGARITHMIC_HZ, above, frequencies / HZ_PER_MEL)


def _slaney_hz(mels: np.ndarray) -> np.ndarray:
    """The inverse of ``_slaney_mel``."""
    above = np.maximum(mels - LOGARITHMIC_MEL, 0)
    return np.where(above > 0, LOGARITHMIC_HZ * np.exp(STEP * above), HZ_PER_MEL * mels)


def mel_filters(
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    *,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
) -> np.ndarray:
    """Triangles whose corners are equally spaced in mel.

    Parameters
    ----------
    sample_rate : int
        Hz.
    fmin, fmax : float, float or None
        Lowest and highest corner in Hz; None for half the sample rate.
    htk : bool
        Triangles of height 1 on HTK's scale; else of area 1 on that of Slaney's Auditory Toolbox.

    Returns
    -------
    np.ndarray [shape=(n_mels, 1 + n_fft // 2), dtype=float32]
        ``filters @ spectrum`` gives the bands.
    """
    to_mel, to_hz = (hz_to_mel, mel_to_hz) if htk else (_slaney_mel, _slaney_hz)
    low, high = to_mel(np.array([fmin, fmax or sample_rate / 2]))
    corners = to_hz(np.linspace(low, high, n_mels + 2))
    widths = np.diff(corners)[:, None]
    distances = np.subtract.outer(corners, np.fft.rfftfreq(n_fft, 1 / sample_rate))
    rising, falling = -distances[:-2] / widths[:-1], distances[2:] / widths[1:]
    filters = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    if not htk:
        filters *= 2 / (corners[2:] - corners[:-2])[:, None]
    return filters
