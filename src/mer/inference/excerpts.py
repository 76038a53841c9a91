"""Excerpts of songs: these last minutes, and the clips that systems know mostly 30 s."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mer.decoding.worker import SILENCE
from mer.errors import MerError
from mer.io import artefacts
from mer.io.files import read_json, write_csv
from mer.types import part_ids

log = logging.getLogger("mer")


class Excerpt(NamedTuple):
    """A part of a song, and where in the samples of all songs it lies."""

    id: str
    song: str
    start: int
    length: int
    offset: int


def _pieces(length: int, size: int) -> list[tuple[int, int]]:
    """Start and length of a song's excerpts; a last one below half of ``size`` only if it is alone."""
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


def _scale(pcm: np.ndarray, scale: float, peak_db: float | None) -> float:
    peak = np.abs(pcm.astype(np.int32)).max()
    return scale if peak_db is None else 10 ** (peak_db / 20) / float(peak)


def cut(
    source: Path, target: Path, *, seconds: float, peak_db: float | None
) -> tuple[list[Excerpt], int]:
    """Write the excerpts of songs as a corpus' ``standard`` artefact, each a clip.

    Parameters
    ----------
    source, target : Path
        As ``standardize`` leaves it, at the songs' own level, and the folder to write.
    seconds : float
    peak_db : float or None
        Peak of every excerpt in dBFS; None leaves the song's level.

    Returns
    -------
    list of Excerpt, int
        And their rate in Hz.

    Raises
    ------
    MerError
        If all are silent.
    """
    corpus = artefacts.Standard.read(source)
    scales: Mapping[str, float] = dict(zip(corpus.ids, map(float, corpus.scales), strict=True))
    found = list(excerpts(corpus, seconds))
    if not found:
        raise MerError("one excerpt must sound, and all are silent")
    rows, offset = [], 0
    with artefacts.writing(target) as folder:
        total = sum(excerpt.length for excerpt in found)
        with (folder / "audio.npy").open("wb") as stream:
            facts = {"descr": "<i2", "fortran_order": False, "shape": (total,)}
            np.lib.format.write_array_header_1_0(stream, facts)
            for excerpt in found:
                pcm = corpus.audio[excerpt.offset : excerpt.offset + excerpt.length]
                stream.write(pcm.tobytes())
                scale = _scale(pcm, scales[excerpt.song], peak_db)
                rows.append((excerpt.id, offset, excerpt.length, scale))
                offset += excerpt.length
        write_csv(folder / "clips.csv", [("id", "offset", "length", "scale"), *rows])
        write_csv(folder / "quarantine.csv", [("id", "path", "reason")])
        manifest = read_json(source / artefacts.MANIFEST)
        artefacts.write_manifest(folder, **{**manifest, "clips": len(rows)})
    return found, corpus.sample_rate
