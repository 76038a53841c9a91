"""A synthetic corpus as the layout ``folder`` reads it."""

from collections.abc import Sequence
from pathlib import Path

import soundfile as sf

from mer.datasets.folder import COLUMNS, LABELS
from mer.io.files import write_csv
from mer.types import Clip, Track


def write(root: Path, songs: Sequence[tuple[Track, Clip]]) -> None:
    """Write a corpus in this layout: ``<id>.wav`` (PCM, 16 bit) and ``labels.csv``."""
    rows = []
    for track, clip in songs:
        file = root / f"{track.id}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        sf.write(file, clip.samples, clip.sample_rate, subtype="PCM_16")
        point = (track.valence, track.arousal)
        own = track.splits.get("own")
        facts = (track.quadrant, *point, track.label, track.artist, track.source, own)
        rows.append((f"{track.id}.wav", *facts))
    used = [i for i in range(len(COLUMNS)) if any(row[i] is not None for row in rows)]
    table = [[row[i] for i in used] for row in (COLUMNS, *rows)]
    write_csv(root / LABELS, table, lineterminator="\n")
