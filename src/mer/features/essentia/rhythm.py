"""Tempo, beats and onsets: the descriptors of MusicExtractor's ``rhythm`` in the profile ``wide``."""

from typing import Any

import numpy as np

from mer.features.essentia.analysis import RATE, standard

PEAKS = ("bpm", "weight", "spread")
SCALARS = (
    *("bpm", "beats_count", "danceability", "onset_rate"),
    *(f"bpm_histogram_{rank}_peak_{what}" for rank in ("first", "second") for what in PEAKS),
)
FRAMES = ("beats_loudness",)


def measure(signal: np.ndarray) -> dict[str, Any]:
    """Tempo in bpm, its histogram's two peaks, beats and their loudness, onsets per second."""
    library = standard()
    tracker = library.RhythmExtractor2013(method="degara", minTempo=40, maxTempo=208)
    bpm, beats, _, _, intervals = tracker(signal)
    loudness, _ = library.BeatsLoudness(sampleRate=RATE, beats=beats)(signal)
    *peaks, _ = library.BpmHistogramDescriptors()(intervals)
    places = (f"bpm_histogram_{rank}_peak_{what}" for rank in ("first", "second") for what in PEAKS)
    return {
        "bpm": bpm,
        "beats_count": len(beats),
        "beats_loudness": loudness,
        "danceability": library.Danceability()(signal)[0],
        "onset_rate": library.OnsetRate()(signal)[1],
        **dict(zip(places, peaks, strict=True)),
    }
