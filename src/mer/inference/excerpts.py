"""Excerpts of songs: songs last minutes, and most systems are trained on clips of 30 s."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mer.decoding.worker import SILENCE
from mer.errors import MerError
from mer.io import artefacts
from mer.io.files import read_json
from mer.types import part_ids

log = logging.getLogger("mer")


class Excerpt(NamedTuple):
    """A part of a song.

    Attributes
    ----------
    id, song : str
    start, length : int
        Samples, from the start of the song.
    offset : int
        Position of its first sample in the samples of all songs.
    """

    id: str
    song: str
    start: int
    length: int
    offset: int


def _pieces(length: int, size: int) -> list[tuple[int, int]]:
    """Start and length of the excerpts; a last one below half of ``size`` only if there is no other."""
    starts = range(0, length, size)
    pieces = [(start, min(size, length - start)) for start in starts]
    return pieces if len(pieces) == 1 or 2 * pieces[-1][1] >= size else pieces[:-1]


def excerpts(corpus: artefacts.Standard, seconds: float) -> Iterator[Excerpt]:
    """Consecutive excerpts of every song; silent ones are logged and left out."""
    size = round(seconds * corpus.sample_rate)
    for row, song in enumerate(corpus.ids):
        pieces, first = _pieces(int(corpus.lengths[row]), size), int(corpus.offsets[row])
        for id_, (start, length) in zip(part_ids(song, len(pieces)), pieces, strict=True):
            pcm = corpus.audio[first + start : first + start + length]
            if np.ptp(pcm.astype(np.int32)) * corpus.scales[row] < 2 * SILENCE:
                log.warning("%r is left out: silent", id_)
            else:
                yield Excerpt(id_, song, start, length, first + start)


def write_excerpts(
    source: Path, target: Path, *, seconds: float, peak_db: float | None
) -> tuple[list[Excerpt], int]:
    """Write the excerpts of songs as a standardized corpus whose clips they are.

    Parameters
    ----------
    source, target : Path
        Folder of the standardized songs, at their own level, and the folder to write.
    seconds : float
        Length of an excerpt.
    peak_db : float or None
        Peak of every excerpt in dBFS; None keeps the level of the song.

    Returns
    -------
    excerpts : list of Excerpt
    sample_rate : int
        Hz.

    Raises
    ------
    MerError
        If all excerpts are silent.
    """
    corpus = artefacts.Standard.read(source)
    scales: Mapping[str, float] = dict(zip(corpus.ids, map(float, corpus.scales), strict=True))
    kept = list(excerpts(corpus, seconds))
    if not kept:
        raise MerError("one excerpt at least must not be silent, and all are")
    with artefacts.writing(target) as folder:
        pieces = ((e, corpus.audio[e.offset : e.offset + e.length]) for e in kept)
        clips = (
            (e.id, pcm, artefacts.scale_to_peak(pcm, scales[e.song], peak_db)) for e, pcm in pieces
        )
        written = artefacts.Standard.write(folder, clips)
        artefacts.write_quarantine(folder, [])
        artefacts.write_manifest(folder, **{**read_json(source / artefacts.MANIFEST), **written})
    return kept, corpus.sample_rate
