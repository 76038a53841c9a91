"""What stages leave on disk: written whole or not at all, read back as ``mer.types``.

Every artefact is a folder with a ``manifest.json`` whose ``status`` is ``present`` or ``absent``.
An absent artefact carries the reason (a corpus without audio has no spectrograms, say) and is handed
on; only a model that needs it refuses.
"""

import csv
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mer.errors import MerError
from mer.types import Clip, FeatureSet, Fold, Predictions, Track

MANIFEST = "manifest.json"
TRACK_COLUMNS = ["id", "path", "sha256", "quadrant", "valence", "arousal", "artist", "group"]


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """A temporary folder beside ``target`` that takes its place when the block ends well.

    An exception removes it and leaves what stood at ``target`` as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(target: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(target: Path, content: Any) -> None:
    """Write JSON, keys in the order given, floats as they are."""
    write_text(target, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises
    ------
    MerError
        If the file is missing or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MerError(f"{path} must be a JSON file ({error}); run `dvc repro`") from error


def write_manifest(folder: Path, **facts: Any) -> None:
    """Mark ``folder`` as a present artefact."""
    write_json(folder / MANIFEST, {"status": "present", **facts})


def write_absent(target: Path, reason: str) -> None:
    """Leave an artefact that only says why there is none."""
    with writing(target) as folder:
        write_json(folder / MANIFEST, {"status": "absent", "reason": reason})


def absent(folder: Path) -> str | None:
    """The reason why the artefact is absent, or None where it is present."""
    manifest = read_json(folder / MANIFEST)
    return manifest["reason"] if manifest["status"] == "absent" else None


def write_tracks(path: Path, tracks: Sequence[Track], hashes: Mapping[str, str]) -> None:
    """Write ``tracks.csv``: one row per track, sorted by id.

    Parameters
    ----------
    hashes : mapping of str to str
        Track id -> sha256 of its audio file; a track without one has no file.
    """
    protocols = sorted({p for track in tracks for p in track.splits})
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)  # RFC 4180: a name may hold any line break
        writer.writerow([*TRACK_COLUMNS, *(f"split_{p}" for p in protocols)])
        for t in sorted(tracks, key=lambda track: track.id):
            cells = [
                t.id,
                t.path,
                hashes.get(t.id),
                t.quadrant,
                t.valence,
                t.arousal,
                t.artist,
                t.group,
            ]
            writer.writerow([*cells, *(t.splits.get(p) for p in protocols)])


def read_tracks(index: Path) -> list[Track]:
    """The tracks of ``data/index/<dataset>``, sorted by id."""
    with (index / "tracks.csv").open(encoding="utf-8", newline="") as stream:
        return [
            Track(
                id=row["id"],
                quadrant=row["quadrant"],
                path=row["path"] or None,
                valence=float(row["valence"]) if row["valence"] else None,
                arousal=float(row["arousal"]) if row["arousal"] else None,
                artist=row["artist"] or None,
                splits={k[6:]: v for k, v in row.items() if k.startswith("split_") and v},
            )
            for row in csv.DictReader(stream)
        ]


def write_features(path: Path, features: FeatureSet) -> None:
    """Write a Parquet table: ``id``, then one column per feature; the source in its metadata."""
    arrays = [pa.array(features.ids, pa.string()), *map(pa.array, features.values.T)]
    table = pa.Table.from_arrays(arrays, names=["id", *features.names])
    pq.write_table(table.replace_schema_metadata(dict(features.source)), path, compression="zstd")


def read_features(path: Path) -> FeatureSet:
    """Read what ``write_features`` wrote.

    Raises
    ------
    MerError
        If the file is no such table.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise MerError(f"{path} must be a Parquet table of features ({error})") from error
    names = tuple(table.column_names[1:])
    if table.column_names[:1] != ["id"]:
        raise MerError(f"{path} must begin with the column 'id', not {table.column_names[:1]}")
    values = np.column_stack([table.column(i + 1).to_numpy() for i in range(len(names))])
    source = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    return FeatureSet(tuple(table.column("id").to_pylist()), names, values, source)


@dataclass(frozen=True)
class Standard:
    """A corpus' audio in one memory-mapped array; see ``mer.audio.standardize``.

    Attributes
    ----------
    ids : tuple of str [length n]
        Clips that can be read, sorted; the others stand in ``quarantine.csv``.
    rate : int
        Hz, the same for all clips.
    """

    ids: tuple[str, ...]
    rate: int
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
            If the artefact is absent: the corpus has no audio.
        """
        if reason := absent(folder):
            raise MerError(f"{folder} is absent: {reason}")
        clips = pd.read_csv(folder / "clips.csv", dtype={"id": str}, keep_default_na=False)
        audio = np.load(folder / "audio.npy", mmap_mode="r", allow_pickle=False)
        columns = [clips[c].to_numpy() for c in ("offset", "length", "scale")]
        return cls(tuple(clips["id"]), read_json(folder / MANIFEST)["rate"], audio, *columns)

    def clip(self, index: int) -> Clip:
        """The clip at ``index`` of ``ids``, as float32 at the corpus' rate and native length."""
        start = self.offsets[index]
        pcm = self.audio[start : start + self.lengths[index]]
        return Clip(self.ids[index], pcm * np.float32(self.scales[index]), self.rate)


def quarantined(standard: Path) -> pd.DataFrame:
    """The clips left out of ``data/standard/<dataset>``: ``id, path, reason``, as strings."""
    columns = ["id", "path", "reason"]
    if absent(standard):
        return pd.DataFrame(columns=columns, dtype=str)
    return pd.read_csv(standard / "quarantine.csv", dtype=str, keep_default_na=False)[columns]


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
    if content["status"] == "absent":
        raise MerError(f"{path} is absent: {content['reason']}")
    return [
        Fold(f["repeat"], f["fold"], tuple(f["train"]), tuple(f["val"]), tuple(f["test"]))
        for f in content["folds"]
    ]


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Write ``predictions.parquet``."""
    table = pa.Table.from_pandas(predictions.frame, preserve_index=False)
    table = table.replace_schema_metadata({"classes": json.dumps(predictions.classes)})
    pq.write_table(table, folder / "predictions.parquet", compression="zstd")


def read_predictions(folder: Path) -> Predictions:
    """Read the predictions of ``data/runs/<key>``."""
    table = pq.read_table(folder / "predictions.parquet")
    classes = tuple(json.loads(table.schema.metadata[b"classes"]))
    return Predictions(table.replace_schema_metadata(None).to_pandas(), classes)
