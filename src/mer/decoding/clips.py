"""Decoding of an audio file to a clip."""

from pathlib import Path

from mer.decoding import client
from mer.schema.corpora import Audio
from mer.types import Clip


def decode(path: Path, id_: str, sample_rate: int, limits: Audio) -> Clip:
    """Decode a file (wav, flac, ogg, opus, mp3, …), average its channels and resample it.

    Another process decodes, so that a crash or a hang does not affect this one.

    Parameters
    ----------
    sample_rate : int
        Sample rate of the result in Hz (soxr, quality HQ).
    limits : Audio
        Limits of a file's size and of the resources for decoding it.

    Raises
    ------
    Unreadable
        If the file is missing, empty, truncated or silent, cannot be decoded, or crashes the decoder or
        exceeds its limits twice.
    """
    return Clip(id_, client.decode(path.absolute(), sample_rate, limits), sample_rate)
