"""The artefacts of the stages: written whole or not at all, and read back as ``mer.types``.

Every artefact is a folder with a ``manifest.json`` whose ``status`` is ``present`` or ``absent``. An absent
artefact holds the reason; a corpus without audio has no spectrograms, for example. A stage whose input is
absent writes an absent output; only a model that needs the input raises an error.
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mer.errors import AbsentError, MerError
from mer.io.files import read_array, read_json, reading, write_csv, write_json, write_text, writing
from mer.types import (
    AnyPredictions,
    Clip,
    FeatureSet,
    Fold,
    Predictions,
    Track,
    ValuePredictions,
    groups,
)

MANIFEST = "manifest.json"
JOINED = "family of each column"  # key in the metadata of a table
MAX_CELLS = 2**28  # of a table: 2 GiB as float64, 42,000 clips of 6373 features
CLIP_TYPES = {"id": "str", "offset": "int64", "length": "int64", "scale": "float64"}
QUARANTINE_COLUMNS = ["id", "path", "reason"]
TRACK_COLUMNS = ["id", "path", "sha256", "quadrant", "valence", "arousal", "artist", "group"]


def write_manifest(folder: Path, **facts: Any) -> None:
    """Mark ``folder`` as a present artefact."""
    write_json(folder / MANIFEST, {"status": "present", **facts})


def write_absent(target: Path, reason: str, /, **facts: Any) -> None:
    """Write an absent artefact: only the reason, and ``facts``."""
    with writing(target) as folder:
        write_json(folder / MANIFEST, {"status": "absent", "reason": reason, **facts})


def absent(folder: Path) -> str | None:
    """The reason why the artefact is absent, or None where it is present."""
    path = folder / MANIFEST
    manifest = read_json(path)
    with reading(path, "the manifest of an artefact"):
        return {"absent": manifest.get("reason"), "present": None}[manifest["status"]]


def require(folder: Path) -> None:
    """Raise an ``AbsentError`` with its reason where the artefact is absent."""
    if reason := absent(folder):
        raise AbsentError(reason)


@contextmanager
def or_absent(target: Path, /, **facts: Any) -> Iterator[None]:
    """Write ``target`` as absent, with the reason and ``facts``, if an input in the block is absent."""
    try:
        yield
    except AbsentError as error:
        write_absent(target, str(error), **facts)


def write_tracks(path: Path, tracks: Sequence[Track], hashes: Mapping[str, str]) -> None:
    """Write ``tracks.csv``: one row per track, sorted by id.

    Parameters
    ----------
    hashes : mapping of str to str
        Track id -> sha256 of its audio file; a track without one has no file.
    """
    protocols = sorted({p for track in tracks for p in track.splits})
    optional = [name for name in ("source", "label") if any(getattr(t, name) for t in tracks)]
    spreads = list(dict.fromkeys(name for track in tracks for name in track.spread))
    mapped = [*(f"split_{p}" for p in protocols), *(f"spread_{name}" for name in spreads)]
    rows, group = [], groups(tracks)
    for t in sorted(tracks, key=lambda track: track.id):
        own = (getattr(t, name) for name in optional)
        facts = (t.quadrant, t.valence, t.arousal, t.artist, group[t.id], *own)
        sides = (*map(t.splits.get, protocols), *map(t.spread.get, spreads))
        rows.append((t.id, t.path, hashes.get(t.id), *facts, *sides))
    write_csv(path, [[*TRACK_COLUMNS, *optional, *mapped], *rows])


def read_tracks(index: Path) -> list[Track]:
    """The tracks of ``data/index/<dataset>``, sorted by id.

    Raises
    ------
    MerError
        If ``tracks.csv`` is damaged.
    """
    path = index / "tracks.csv"
    with reading(path, "a table of tracks"), path.open(encoding="utf-8", newline="") as stream:
        return [
            Track(
                id=row["id"],
                quadrant=row["quadrant"],
                path=row["path"] or None,
                valence=float(row["valence"]) if row["valence"] else None,
                arousal=float(row["arousal"]) if row["arousal"] else None,
                artist=row["artist"] or None,
                splits={k[6:]: v for k, v in row.items() if k.startswith("split_") and v},
                source=row.get("source") or None,
                label=row.get("label") or None,
                spread={k[7:]: float(v) for k, v in row.items() if k.startswith("spread_") and v},
            )
            for row in csv.DictReader(stream)
        ]


def read_digests(index: Path) -> dict[str, str]:
    """Track id -> sha256 of its audio file, for the tracks of ``data/index/<dataset>`` that have a file."""
    path = index / "tracks.csv"
    with reading(path, "a table of tracks"), path.open(encoding="utf-8", newline="") as stream:
        return {row["id"]: row["sha256"] for row in csv.DictReader(stream) if row["sha256"]}


def unlabelled(index: Path) -> list[str]:
    """The audio files of ``data/index/<dataset>`` without a label, sorted.

    Raises
    ------
    MerError
        If ``unlabelled.csv`` is damaged.
    """
    path = index / "unlabelled.csv"
    with reading(path, "a table of files"), path.open(encoding="utf-8", newline="") as stream:
        return [row["path"] for row in csv.DictReader(stream)]


def write_features(path: Path, features: FeatureSet) -> None:
    """Write a Parquet table: ``id``, then one column per feature.

    ``source``, and the family of each column of a joined table, become its metadata.
    """
    arrays = [pa.array(features.ids, pa.string()), *map(pa.array, features.values.T)]
    table = pa.Table.from_arrays(arrays, names=["id", *features.names])
    joined = {JOINED: json.dumps(features.joined)} if features.joined else {}
    metadata = {**features.source, **joined}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")


def _read_table(path: Path) -> pa.Table:
    """Read a Parquet file after checking the size in its header: a few bytes can claim terabytes."""
    with reading(path, "a Parquet file"), pq.ParquetFile(path) as file:
        rows, columns = file.metadata.num_rows, file.metadata.num_columns
        if not 0 <= rows * columns <= MAX_CELLS:
            raise ValueError(f"{rows} rows of {columns} columns, more than {MAX_CELLS} cells")
        table = file.read()
        table.validate(full=True)
        return table


def read_features(path: Path) -> FeatureSet:
    """Read what ``write_features`` wrote.

    Raises
    ------
    MerError
        If the file is damaged or another kind of table.
    """
    table = _read_table(path)
    with reading(path, "a table of features whose first column is 'id'"):
        if table.column_names[0] != "id":
            raise ValueError(f"it is {table.column_names[0]!r}")
        numbers = table.drop_columns("id")
        values = np.column_stack([column.to_numpy() for column in numbers.columns])
        source = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
        ids = tuple(table.column("id").to_pylist())
        joined = tuple(json.loads(source.pop(JOINED, "[]")))
        return FeatureSet(ids, tuple(numbers.column_names), values, source, joined)


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
            raise MerError(f"{folder} is absent: {reason}")
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

    def pcm(self, index: int) -> np.ndarray:
        """The int16 samples of the clip at ``index`` of ``ids`` [shape=(length,)]."""
        start = self.offsets[index]
        return self.audio[start : start + self.lengths[index]]

    def clip(self, index: int) -> Clip:
        """The clip at ``index`` of ``ids``, as float32 at the corpus' sample rate."""
        pcm = self.pcm(index)
        return Clip(self.ids[index], pcm * np.float32(self.scales[index]), self.sample_rate)


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
    with reading(path, "a table of twins"), path.open(encoding="utf-8", newline="") as stream:
        return {row["id"]: row["twin"] for row in csv.DictReader(stream)}


def write_folds(path: Path, folds: Iterable[Fold], **facts: Any) -> None:
    """Write ``data/folds/<protocol>/<dataset>.json``."""
    rows = [
        {"repeat": f.repeat, "fold": f.fold, "train": f.train, "val": f.val, "test": f.test}
        for f in folds
    ]
    write_text(
        path, json.dumps({"status": "present", **facts, "folds": rows}, ensure_ascii=False) + "\n"
    )


def read_folds(path: Path) -> list[Fold]:
    """Read what ``write_folds`` wrote.

    Raises
    ------
    MerError
        If the corpus has no folds under this protocol; the message says why.
    """
    content = read_json(path)
    with reading(path, "a list of folds"):
        if content["status"] == "absent":
            raise AbsentError(f"{path} is absent: {content['reason']}")
        return [
            Fold(f["repeat"], f["fold"], tuple(f["train"]), tuple(f["val"]), tuple(f["test"]))
            for f in content["folds"]
        ]


def write_predictions(path: Path, predictions: AnyPredictions) -> None:
    """Write the predictions of a run, of its clips or of their segments."""
    table = pa.Table.from_pandas(predictions.frame, preserve_index=False)
    if isinstance(predictions, ValuePredictions):
        facts = {"values": json.dumps(predictions.names), "scale": json.dumps(predictions.scale)}
    else:
        facts = {"classes": json.dumps(predictions.classes)}
    pq.write_table(table.replace_schema_metadata(facts), path, compression="zstd")


def read_predictions(path: Path) -> AnyPredictions:
    """Read what ``write_predictions`` wrote.

    Raises
    ------
    MerError
        If the file is damaged or another kind of table.
    """
    table = _read_table(path)
    with reading(path, "a table of predictions"):
        facts = {k.decode(): json.loads(v) for k, v in table.schema.metadata.items()}
        frame = table.replace_schema_metadata(None).to_pandas()
        if "values" in facts:
            return ValuePredictions(frame, tuple(facts["values"]), tuple(facts["scale"]))
        return Predictions(frame, tuple(facts["classes"]))
