"""Functions that the writers of archives share."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import soundfile as sf

from mer.io.files import write_csv
from mer.types import Clip


def number(id_: str, digits: int) -> int:
    """A number of at most ``digits`` digits that depends on ``id_`` only, for renaming demo songs."""
    return int(hashlib.sha256(id_.encode()).hexdigest(), 16) % 10**digits


def write(
    root: Path, tables: Mapping[str, Iterable[Sequence[object]]], audio: Mapping[str, Clip]
) -> None:
    """Write CSV tables (header first) and MP3 files, each by its path below ``root``."""
    for name, rows in tables.items():
        write_csv(root / name, rows)
    for name, clip in audio.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        sf.write(root / name, clip.samples, clip.sample_rate, format="MP3")
