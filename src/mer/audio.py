"""Resampling of clips, their level and quantization, and HTK's mel scale."""

import numpy as np
import soxr

from mer.errors import MerError
from mer.types import Clip

FULL_SCALE = 32767  # int16


def quantized(samples: np.ndarray, peak_db: float | None) -> tuple[np.ndarray, float]:
    """Samples as int16 with a peak of full scale, and the gain that maps them back to float samples of
    their original peak, or of a peak of ``peak_db``.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=float32]
        Not silent.
    peak_db : float or None
        Peak in dBFS; None stands for the original peak.

    Returns
    -------
    samples : np.ndarray [shape=(n,), dtype=int16]
        The loudest one is 32767 or -32767.
    gain : float
        The float peak, of which 1.0 is full scale, divided by 32767.
    """
    peak = float(np.abs(samples).max())
    pcm = np.rint(samples * np.float32(FULL_SCALE / peak)).astype("<i2")
    level = peak if peak_db is None else 10 ** (peak_db / 20)
    return pcm, level / FULL_SCALE


def resample(clip: Clip, sample_rate: int) -> Clip:
    """The clip at a lower sample rate (soxr, quality HQ).

    Raises
    ------
    MerError
        If ``sample_rate`` is above the clip's own: upsampled audio has no content in the added band.
    """
    if sample_rate > clip.sample_rate:
        raise MerError(
            f"the clip {clip.id!r} has {clip.sample_rate} Hz and must not be upsampled to {sample_rate} "
            "Hz; lower the sample rate of the view or family, or raise the one of the corpus"
        )
    if sample_rate == clip.sample_rate:
        return clip
    return Clip(
        clip.id,
        soxr.resample(clip.samples, clip.sample_rate, sample_rate, quality="HQ"),
        sample_rate,
    )


def limited(samples: np.ndarray, peak: float) -> np.ndarray:
    """The samples, scaled down to ``peak`` if their peak is above it.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,)]
        Floats; full scale is 1.0.
    peak : float
        Linear, in units of full scale, not in dB.
    """
    loudest = np.abs(samples).max()
    return samples * np.float32(peak / loudest) if loudest > peak else samples


def with_peak(samples: np.ndarray, peak_db: float | None) -> np.ndarray:
    """The samples with their peak at ``peak_db``; None, or silence, keeps them as they are.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,)]
        Floats; full scale is 1.0.
    peak_db : float or None
        In dBFS: 0 is full scale, -6 about half of it.
    """
    if peak_db is None:
        return samples
    peak = np.abs(samples).max()
    return samples * np.float32(10 ** (peak_db / 20) / peak) if peak > 0 else samples


def hz_to_mel(frequencies: np.ndarray) -> np.ndarray:
    """Frequencies in Hz on HTK's mel scale, 2595 log10(1 + f / 700).

    The formula is that of the HTK Book (Young et al.) and of ``librosa.hz_to_mel(htk=True)``, whose import
    this function spares.
    """
    return 2595 * np.log10(1 + frequencies / 700)


def mel_to_hz(mels: np.ndarray) -> np.ndarray:
    """The inverse of ``hz_to_mel``."""
    return 700 * (10 ** (mels / 2595) - 1)
