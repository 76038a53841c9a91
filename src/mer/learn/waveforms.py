"""Waveforms of a corpus for networks that read samples: cut into segments, or whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mer.dsp.mel import prepare, segments
from mer.io.artefacts import Standard
from mer.parallel import parallel_map
from mer.schema.spectrograms import Waveform
from mer.types import positions


def _of_clip(standard: Path, form: Waveform, index: int) -> np.ndarray:
    return segments(prepare(Standard.read(standard).clip(index), form).samples, form).astype("<f2")


@dataclass(frozen=True)
class SegmentedWaveforms:
    """Every clip's segments, in memory.

    Attributes
    ----------
    ids : tuple of str [length n]
    values : np.ndarray [shape=(n, segments, samples), dtype=float16]
        Full scale is 1.0; float16 keeps 66 dB below each sample.
    """

    ids: tuple[str, ...]
    values: np.ndarray

    @classmethod
    def of(cls, standard: Path, form: Waveform) -> "SegmentedWaveforms":
        """Prepare and cut all clips of ``data/standard/<dataset>``.

        Raises
        ------
        MerError
            If the form's rate is above the corpus', or it cuts nothing.
        """
        corpus = Standard.read(standard)
        values = np.empty(
            (len(corpus.ids), form.segments or 0, form.segment_samples or 0), np.float16
        )
        work = partial(_of_clip, standard.absolute(), form)
        for row, found in enumerate(parallel_map(work, range(len(corpus.ids)), label="waveforms")):
            values[row] = found
        return cls(corpus.ids, values)

    def rows(self, ids: Sequence[str]) -> np.ndarray:
        """The segments of ``ids``, in their order [shape=(len(ids), segments, samples)].

        Raises
        ------
        MerError
            If an id has none.
        """
        return self.values[positions(self.ids, ids, "waveform")]


def _whole(standard: Path, form: Waveform, index: int) -> np.ndarray:
    return prepare(Standard.read(standard).clip(index), form).samples.astype("<f2")


@dataclass(frozen=True)
class Waveforms:
    """Every clip's samples at its own length, end to end, in memory.

    Attributes
    ----------
    ids : tuple of str [length n]
    values : np.ndarray [shape=(samples,), dtype=float16]
        Full scale is 1.0.
    lengths : np.ndarray [shape=(n,), dtype=int]
    """

    ids: tuple[str, ...]
    values: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, standard: Path, form: Waveform) -> "Waveforms":
        """Prepare all clips of ``data/standard/<dataset>``.

        Raises
        ------
        MerError
            If the form's rate is above the corpus'.
        """
        corpus = Standard.read(standard)
        work = partial(_whole, standard.absolute(), form)
        found = list(parallel_map(work, range(len(corpus.ids)), label="waveforms"))
        return cls(corpus.ids, np.concatenate(found), np.array([len(clip) for clip in found]))

    def places(self, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Where the clips of ``ids`` begin in ``values``, and their lengths [shape=(len(ids),)].

        Raises
        ------
        MerError
            If an id has no waveform.
        """
        rows = positions(self.ids, ids, "waveform")
        return (self.lengths.cumsum() - self.lengths)[rows], self.lengths[rows]
