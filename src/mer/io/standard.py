"""The standardized audio of a corpus, ``data/standard/<dataset>``, and the clips that it leaves out."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from mer.errors import MerError
from mer.io.artefacts import MANIFEST, absent
from mer.io.files import csv_rows, read_array, read_json, reading, write_csv
from mer.types import Clip

CLIP_TYPES = {"id": "str", "offset": "int64", "length": "int64", "scale": "float64"}
QUARANTINE_COLUMNS = ["id", "path", "reason"]
StandardClip = tuple[str, np.ndarray, float]  # id, int16 samples, factor to the level of the clip


def _write_header(stream: BinaryIO, length: int) -> None:
    """Write a .npy header; NumPy pads it so that a later, longer length fits in its place."""
    stream.seek(0)
    facts = {"descr": "<i2", "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(stream, facts)


@dataclass(frozen=True)
class Standard:
    """The standardized audio of a corpus: mono int16 at one sample rate, in one memory-mapped array.

    ``data/standard/<dataset>`` has ``audio.npy``, all clips end to end; ``clips.csv``, the position of each
    clip and the factor that restores its level; and ``quarantine.csv``, the files that are left out.

    Attributes
    ----------
    ids : tuple of str [length n]
        The clips, sorted.
    sample_rate : int
        Hz, the same for all clips.
    audio : np.ndarray [shape=(samples,), dtype=int16]
    offsets, lengths : np.ndarray [shape=(n,), dtype=int64]
        First sample and number of samples of each clip.
    scales : np.ndarray [shape=(n,), dtype=float64]
        Factor from int16 to the level of the clip, full scale being 1.0.
    """

    ids: tuple[str, ...]
    sample_rate: int
    audio: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    scales: np.ndarray

    @classmethod
    def read(cls, folder: Path) -> "Standard":
        """Open ``data/standard/<dataset>`` without loading the audio.

        Raises
        ------
        MerError
            If the artefact is absent, for the corpus has no audio, or damaged.
        """
        if reason := absent(folder):
            raise MerError(
                f"{folder} must hold clips, and is absent: {reason}; make it with `dvc repro`"
            )
        audio = read_array(folder / "audio.npy")
        with reading(folder / MANIFEST, "a manifest with the rate"):
            sample_rate = int(read_json(folder / MANIFEST)["rate"])
        with reading(folder / "clips.csv", "the table of the clips in audio.npy"):
            clips = pd.read_csv(folder / "clips.csv", dtype=CLIP_TYPES, keep_default_na=False)
            ids, offsets, lengths, scales = (clips[c].to_numpy() for c in CLIP_TYPES)
            ends = lengths.cumsum()
            if (offsets != ends - lengths).any() or (lengths < 1).any() or ends[-1] != len(audio):
                raise ValueError(f"its clips do not make up the {audio.shape} samples")
            if not np.isfinite(scales).all():
                raise ValueError("a scale is not finite")
        return cls(tuple(ids), sample_rate, audio, offsets, lengths, scales)

    @staticmethod
    def write(folder: Path, clips: Iterable[StandardClip]) -> dict[str, Any]:
        """Write ``audio.npy`` and ``clips.csv`` of a standardized corpus, clip by clip.

        Returns
        -------
        dict
            For the manifest: the number of ``clips`` and the ``sha256`` of their samples.
        """
        rows: list[tuple[str, int, int, float]] = []
        digest, offset = hashlib.sha256(), 0
        with (folder / "audio.npy").open("wb") as stream:
            _write_header(stream, 0)
            for id_, pcm, scale in clips:
                content = np.ascontiguousarray(pcm, "<i2").tobytes()
                stream.write(content)
                digest.update(content)
                rows.append((id_, offset, len(pcm), scale))
                offset += len(pcm)
            _write_header(stream, offset)
        write_csv(folder / "clips.csv", [tuple(CLIP_TYPES), *rows])
        return {"clips": len(rows), "sha256": digest.hexdigest()}

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {id_: row for row, id_ in enumerate(self.ids)}

    def pcm(self, id_: str) -> np.ndarray:
        """The int16 samples of a clip [shape=(length,)]."""
        row = self._rows[id_]
        return self.audio[self.offsets[row] : self.offsets[row] + self.lengths[row]]

    def digest(self, id_: str) -> str:
        """The SHA-256 of the int16 samples of a clip."""
        return hashlib.sha256(self.pcm(id_).tobytes()).hexdigest()

    def scale(self, id_: str) -> float:
        """The factor from the int16 samples of a clip to its level, full scale being 1.0."""
        return float(self.scales[self._rows[id_]])

    def clip(self, id_: str) -> Clip:
        """A clip, as float32 at the corpus' sample rate."""
        return Clip(id_, self.pcm(id_) * np.float32(self.scale(id_)), self.sample_rate)


def read_clip(folder: Path, id_: str) -> Clip:
    """A clip of ``data/standard/<dataset>``; a process that reads many opens the corpus once.

    Raises
    ------
    MerError
        If the corpus has no audio, or its artefact is damaged.
    """
    found = (folder / MANIFEST).stat()
    return _opened(folder, (found.st_ino, found.st_mtime_ns)).clip(id_)


@lru_cache(maxsize=1)
def _opened(folder: Path, written: tuple[int, int]) -> Standard:  # noqa: ARG001 (a key of the cache)
    return Standard.read(folder)


def scale_to_peak(pcm: np.ndarray, scale: float, peak_db: float | None) -> float:
    """The factor that brings int16 samples to a peak.

    Parameters
    ----------
    pcm : np.ndarray [shape=(n,), dtype=int16]
    scale : float
        Factor to the present level; the result for silence.
    peak_db : float or None
        Peak in dBFS; None keeps the present level.
    """
    peak = int(np.abs(pcm.astype(np.int32)).max())
    return scale if peak_db is None or peak == 0 else 10 ** (peak_db / 20) / peak


def write_quarantine(folder: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write ``quarantine.csv`` of a standardized corpus: ``id, path, reason`` of every clip left out."""
    write_csv(folder / "quarantine.csv", [QUARANTINE_COLUMNS, *rows])


def quarantined(standard: Path) -> pd.DataFrame:
    """The clips left out of ``data/standard/<dataset>``: ``id, path, reason``, all strings."""
    if absent(standard):
        return pd.DataFrame(columns=QUARANTINE_COLUMNS, dtype=str)
    table = pd.read_csv(standard / "quarantine.csv", dtype=str, keep_default_na=False)
    return table[QUARANTINE_COLUMNS]


def write_twins(folder: Path, twins: Mapping[str, str]) -> None:
    """Write ``twins.csv`` of a standardized corpus: ``id, twin`` of clips with the samples of another."""
    write_csv(folder / "twins.csv", [("id", "twin"), *sorted(twins.items())])


def read_twins(standard: Path) -> dict[str, str]:
    """Id -> id of the first clip of ``data/standard/<dataset>`` with the same samples."""
    path = standard / "twins.csv"
    if absent(standard) or not path.is_file():
        return {}
    with csv_rows(path, "a table of twins") as rows:
        return {row["id"]: row["twin"] for row in rows}
