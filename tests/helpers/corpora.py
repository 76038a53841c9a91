"""Small corpora to write, and what is compared of a corpus."""

import random

import numpy as np
import soundfile as sf

from mer.types import QUADRANTS, Clip, Track

PITCH = dict(zip(QUADRANTS, (400, 800, 1600, 3200)))


def tone(id_, quadrant):
    """A quarter of a second of a sine whose frequency in Hz is its quadrant's."""
    time = np.arange(5512) / 22050
    return Clip(id_, (0.5 * np.sin(2 * np.pi * PITCH[quadrant] * time)).astype(np.float32), 22050)


def pitch(path):
    """Frequency of the strongest partial, in Hz."""
    samples, rate = sf.read(path)
    return np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples)


def shuffle_rows(root, seed):
    """Shuffle the rows of every CSV file below ``root``; cells hold no line ends."""
    for path in root.rglob("*.csv"):
        header, *rows = path.read_bytes().splitlines(keepends=True)
        random.Random(seed).shuffle(rows)
        path.write_bytes(b"".join([header, *rows]))


def content(root):
    """Every file below ``root``, byte by byte."""
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def tables(module, root):
    """The published tables in a form that can be compared."""
    found = module.published(root) if hasattr(module, "published") else {}
    return {k: (f.ids, f.names, f.values.tolist()) for k, f in found.items()}


def eight_songs():
    """Eight tones, two a quadrant, not in the order of their ids; one has no artist."""
    tracks = [
        Track(f"MT{93 - i:010d}", QUADRANTS[i % 4], artist=f"Band {i // 3}") for i in range(7)
    ]
    tracks.append(Track("MT0000000007", "Q4"))
    return [(track, tone(track.id, track.quadrant)) for track in tracks]
