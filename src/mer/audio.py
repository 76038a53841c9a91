"""A clip at another sample rate, or scaled down to a peak."""

import numpy as np
import soxr

from mer.errors import MerError
from mer.types import Clip


def resample(clip: Clip, sample_rate: int) -> Clip:
    """The clip at ``sample_rate`` Hz, at most its own (soxr, quality HQ).

    Raises
    ------
    MerError
        If ``sample_rate`` is higher: a view or family must not claim a band that the corpus has not.
    """
    if sample_rate > clip.sample_rate:
        raise MerError(
            f"the clip {clip.id!r} has {clip.sample_rate} Hz and must not be raised to {sample_rate} "
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
    """The samples, scaled down so that none is louder than ``peak``; softer ones are left alone."""
    loudest = np.abs(samples).max()
    return samples * np.float32(peak / loudest) if loudest > peak else samples
