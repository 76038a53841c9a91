"""Functions that the writers of archives share."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import soundfile as sf

from mer.datasets._archives import SONG
from mer.io.files import write_csv
from mer.targets import labels
from mer.types import Clip, Track


def number(id_: str, digits: int) -> int:
    """A number of at most ``digits`` digits that depends on ``id_`` only, for renaming demo songs."""
    return int(hashlib.sha256(id_.encode()).hexdigest(), 16) % 10**digits


def allmusic_song(id_: str) -> str:
    """``id_`` if it is a song's id in the corpora of Panda and of Louro, else an id made from it."""
    return id_ if SONG.fullmatch(id_) else f"MT{number(id_, 10):010d}"


def in_scale(track: Track, lowest: float, highest: float) -> tuple[float, float]:
    """Valence and arousal in a corpus' scale: the track's own, in -1..1, or the middle of its quadrant."""
    signs = [0.5 if track.quadrant in labels.HIGH[axis] else -0.5 for axis in labels.HIGH]
    own = (track.valence, track.arousal)
    middle, half = (highest + lowest) / 2, (highest - lowest) / 2
    valence, arousal = (middle + half * (s if v is None else v) for s, v in zip(signs, own))
    return valence, arousal


def write(
    root: Path, tables: Mapping[str, Iterable[Sequence[object]]], audio: Mapping[str, Clip]
) -> None:
    """Write CSV tables (header first) and MP3 files, each by its path below ``root``."""
    for name, rows in tables.items():
        write_csv(root / name, rows)
    for name, clip in audio.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        sf.write(root / name, clip.samples, clip.sample_rate, format="MP3")
