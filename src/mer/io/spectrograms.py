"""Spectrograms of a corpus and of its augmented versions, read from disk."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mer.errors import MerError
from mer.io.artefacts import MANIFEST, absent
from mer.io.files import read_array, read_json, reading
from mer.types import positions

IDS_TYPES = {"id": "str", "frames": "int64"}


@dataclass(frozen=True)
class Mels:
    """The spectrograms of a corpus in one view, memory-mapped.

    Attributes
    ----------
    ids : tuple of str [length n]
        Sorted.
    frames : np.ndarray [shape=(n,), dtype=int]
        Frames of each clip. They differ only in a view that keeps the length of clips; there, shorter
        spectrograms are padded.
    values : np.ndarray [shape=(n, frames, mels) or (n, segments, frames, mels), dtype=float16]
    """

    ids: tuple[str, ...]
    frames: np.ndarray
    values: np.ndarray

    @classmethod
    def read(cls, folder: Path) -> "Mels":
        """Open ``data/mel/<view>/<dataset>`` without loading it.

        Raises
        ------
        MerError
            If the artefact is absent, with the reason, or damaged.
        """
        if reason := absent(folder):
            raise MerError(
                f"{folder} must hold spectrograms, and is absent: {reason}; make it with `dvc repro`"
            )
        values = read_array(folder / "mel.npy")
        with reading(folder / "ids.csv", "the table of the clips in mel.npy"):
            table = pd.read_csv(folder / "ids.csv", dtype=IDS_TYPES, keep_default_na=False)
            if len(table) != len(values):
                raise ValueError(f"{len(table)} rows for {len(values)} spectrograms")
            return cls(tuple(table["id"]), table["frames"].to_numpy(), values)

    def rows(self, ids: Iterable[str]) -> np.ndarray:
        """The spectrograms of ``ids``, in their order [shape=(len(ids), …, frames, mels)].

        Raises
        ------
        MerError
            If an id has none.
        """
        return self.values[positions(self.ids, ids, "spectrogram")]


@dataclass(frozen=True)
class AugmentedMels(Mels):
    """The spectrograms of a corpus' augmented versions in one view, memory-mapped.

    Attributes
    ----------
    values : np.ndarray [shape=(n, versions, [segments], frames, n_mels), dtype=float16]
    names : tuple of str [length versions]
        In alphabetical order.
    """

    names: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> "AugmentedMels":
        """Open ``data/augmented/<policy>/<view>/<dataset>`` without loading it.

        Raises
        ------
        MerError
            If the artefact is absent; the message says why.
        """
        mels = Mels.read(folder)
        with reading(folder / MANIFEST, "a manifest with the names of the augmented versions"):
            names = tuple(read_json(folder / MANIFEST)["versions"])
        return cls(mels.ids, mels.frames, mels.values, names)
