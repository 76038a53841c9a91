"""An audio file of any kind as a clip."""

from pathlib import Path

from mer.decoding import client
from mer.schema.corpora import Audio
from mer.types import Clip


def decode(path: Path, id_: str, sample_rate: int, limits: Audio) -> Clip:
    """Decode a file (wav, flac, ogg, opus, mp3, …), average its channels and resample it.

    Another process does it, which may crash or hang.

    Parameters
    ----------
    sample_rate : int
        Sampling rate of the result in Hz (soxr, quality HQ).
    limits : Audio
        What is accepted, and what decoding may take.

    Raises
    ------
    Unreadable
        If the file is missing or empty, cannot be decoded, holds less than it says, or holds
        nothing that sounds; or if decoding it crashes or goes beyond its limits, twice.
    """
    return Clip(id_, client.decode(path.absolute(), sample_rate, limits), sample_rate)
