"""The tables of ``data/index/<dataset>``: the tracks of a corpus, and its files without a label."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mer.errors import MerError
from mer.io.artefacts import MANIFEST
from mer.io.files import csv_rows, read_mapping, write_csv
from mer.types import Track, groups

COLUMNS = ["id", "path", "sha256", "quadrant", "valence", "arousal", "artist", "group"]


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
    write_csv(path, [[*COLUMNS, *optional, *mapped], *rows])


def read_tracks(index: Path) -> list[Track]:
    """The tracks of ``data/index/<dataset>``, sorted by id.

    Raises
    ------
    MerError
        If ``tracks.csv`` is damaged or has another number of rows than the manifest states.
    """
    path, manifest = index / "tracks.csv", index / MANIFEST
    with csv_rows(path, "a table of tracks") as rows:
        found = [
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
            for row in rows
        ]
    stated = read_mapping(manifest).get("n", len(found)) if manifest.exists() else len(found)
    if len(found) != stated:
        raise MerError(
            f"{path} must have the {stated} rows that {manifest.name} states, and has {len(found)}; run "
            "`dvc repro` to make it again"
        )
    return found


def read_digests(index: Path) -> dict[str, str]:
    """Track id -> sha256 of its audio file, for the tracks of ``data/index/<dataset>`` that have a file."""
    path = index / "tracks.csv"
    with csv_rows(path, "a table of tracks") as rows:
        return {row["id"]: row["sha256"] for row in rows if row["sha256"]}


def unlabelled(index: Path) -> list[str]:
    """The audio files of ``data/index/<dataset>`` without a label, sorted.

    Raises
    ------
    MerError
        If ``unlabelled.csv`` is damaged.
    """
    path = index / "unlabelled.csv"
    with csv_rows(path, "a table of files") as rows:
        return [row["path"] for row in rows]
