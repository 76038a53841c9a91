"""A clip at another sampling rate, or scaled down to a peak."""

import numpy as np
import soxr

from mer.errors import MerError
from mer.types import Clip


def resample(clip: Clip, rate: int) -> Clip:
    """The clip at ``rate`` Hz, at most its own (soxr, quality HQ).

    Raises
    ------
    MerError
        If ``rate`` is higher: a view or family must not claim a band that the corpus has not.
    """
    if rate > clip.rate:
        raise MerError(
            f"the clip {clip.id!r} has {clip.rate} Hz and must not be raised to {rate} Hz; lower "
            "the rate of the view or family, or raise that of the corpus"
        )
    if rate == clip.rate:
        return clip
    return Clip(clip.id, soxr.resample(clip.samples, clip.rate, rate, quality="HQ"), rate)


def limited(samples: np.ndarray, peak: float) -> np.ndarray:
    """The samples, scaled down so that none is louder than ``peak``; softer ones are left alone."""
    loudest = np.abs(samples).max()
    return samples * np.float32(peak / loudest) if loudest > peak else samples
