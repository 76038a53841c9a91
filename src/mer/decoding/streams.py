"""Streams of samples, read by libsndfile block by block, their channels averaged at once.

The memory that a stream takes depends on its length, not on the number of its channels.
"""

import math
from collections.abc import Iterable, Iterator
from mmap import mmap
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf

from mer.decoding import integrity
from mer.decoding.downmix import Downmix
from mer.errors import Unreadable

MIB = 2**20
BLOCK = 16 * MIB  # bytes of samples that are read at once
LOUDEST = 100.0  # lossy decoders overshoot full scale by half; a flipped exponent by 1e38
Source = Path | BinaryIO | mmap | int  # an int is the file descriptor of a pipe


class Forward(sf.SoundFile):
    """An audio file that soundfile only reads forward: it cannot seek in a FLAC file without a length."""

    def seekable(self) -> bool:
        """Whether soundfile may seek after each read."""
        return False


def blocks(file: sf.SoundFile, downmix: Downmix, most: int, size: int) -> Iterator[np.ndarray]:
    """The average of the channels of the next ``most`` samples, at most ``size`` at a time."""
    size = max(1, min(size, BLOCK // (4 * file.channels)))
    while most > 0:
        wanted = min(size, most)
        block = file.read(wanted, dtype="float32", always_2d=True)
        yield downmix.averaged(block)
        most -= len(block)
        if len(block) < wanted:
            return


def claimed(file: sf.SoundFile, source: Source) -> int:
    """The samples per channel that libsndfile expects; it does not know the end of a pipe."""
    return integrity.UNKNOWN if isinstance(source, int) else file.frames


def bytes_per_sample(native: int, sample_rate: int) -> int:
    """Bytes of a sample of the average as float32, decoded or resampled."""
    return 4 * max(1, math.ceil(sample_rate / native))


def common_form(forms: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The sample rate and the number of channels that all streams of a file have."""
    kinds = sorted(set(forms))
    if len(kinds) > 1:
        raise Unreadable(
            "its streams have different sample rates or channels: "
            f"{', '.join(f'{rate} Hz, {channels} channels' for rate, channels in kinds)}"
        )
    return kinds[0]


def impossible(mono: np.ndarray) -> str | None:
    """The reason why samples are no audio, or None."""
    if not np.isfinite(mono).all():
        return "holds NaN" if np.isnan(mono).any() else "holds infinity"
    peak = np.abs(mono).max(initial=0)
    return f"peak at {peak:.3g} times full scale" if peak > LOUDEST else None
