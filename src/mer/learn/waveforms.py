"""Waveforms of a corpus for networks that read samples: in segments, or whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mer.dsp.mel import prepare, segments
from mer.io.standard import Standard, read_clip
from mer.runtime.parallel import parallel_map
from mer.schema.spectrograms import Waveform
from mer.types import positions


def _segments(standard: Path, form: Waveform, clip: str) -> np.ndarray:
    return segments(prepare(read_clip(standard, clip), form).samples, form).astype("<f2")


@dataclass(frozen=True)
class SegmentedWaveforms:
    """The segments of every clip, in memory.

    Attributes
    ----------
    ids : tuple of str [length n]
    values : np.ndarray [shape=(n, segments, samples), dtype=float16]
        Full scale is 1.0; float16 keeps 66 dB below each sample.
    """

    ids: tuple[str, ...]
    values: np.ndarray

    @classmethod
    def read(cls, standard: Path, form: Waveform) -> "SegmentedWaveforms":
        """Prepare all clips of ``data/standard/<dataset>`` and cut them into segments.

        Raises
        ------
        MerError
            If the sample rate of ``form`` is above that of the corpus, or a clip has no segment.
        """
        corpus = Standard.read(standard)
        values = np.empty(
            (len(corpus.ids), form.segments or 0, form.segment_samples or 0), np.float16
        )
        work = partial(_segments, standard.absolute(), form)
        for row, found in enumerate(parallel_map(work, corpus.ids, label="waveforms")):
            values[row] = found
        return cls(corpus.ids, values)

    def rows(self, ids: Sequence[str]) -> np.ndarray:
        """The segments of ``ids``, in their order [shape=(len(ids), segments, samples)].

        Raises
        ------
        MerError
            If an id has no waveform.
        """
        return self.values[positions(self.ids, ids, "waveform")]


def _samples(standard: Path, form: Waveform, clip: str) -> np.ndarray:
    return prepare(read_clip(standard, clip), form).samples.astype("<f2")


@dataclass(frozen=True)
class Waveforms:
    """The samples of all clips, one clip after the other, in memory; each keeps its length.

    Attributes
    ----------
    ids : tuple of str [length n]
    values : np.ndarray [shape=(samples,), dtype=float16]
        Full scale is 1.0.
    lengths : np.ndarray [shape=(n,), dtype=int]
        Samples of each clip.
    """

    ids: tuple[str, ...]
    values: np.ndarray
    lengths: np.ndarray

    @classmethod
    def read(cls, standard: Path, form: Waveform) -> "Waveforms":
        """Prepare all clips of ``data/standard/<dataset>``.

        Raises
        ------
        MerError
            If the sample rate of ``form`` is above that of the corpus.
        """
        corpus = Standard.read(standard)
        work = partial(_samples, standard.absolute(), form)
        found = list(parallel_map(work, corpus.ids, label="waveforms"))
        return cls(corpus.ids, np.concatenate(found), np.array([len(clip) for clip in found]))

    def spans(self, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The first samples of the clips ``ids`` in ``values``, and their lengths [shape=(len(ids),)].

        Raises
        ------
        MerError
            If an id has no waveform.
        """
        rows = positions(self.ids, ids, "waveform")
        return (self.lengths.cumsum() - self.lengths)[rows], self.lengths[rows]
