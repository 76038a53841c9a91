"""Audio files of a corpus, decoded and summarized, so that they can be compared."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mer.decoding.clips import decode
from mer.dsp import mel
from mer.errors import Unreadable
from mer.io import audio_files
from mer.runtime import parallel
from mer.schema.corpora import Audio
from mer.schema.spectrograms import View
from mer.types import FeatureTable, Track

BANDS = View(
    sample_rate=16000,
    peak_db=None,
    seconds=None,
    crop_from="start",
    pad_mode="pad",
    segment_samples=None,
    n_fft=1024,
    hop_length=512,
    n_mels=40,
    mel_scale="slaney",
    filter_rate=None,
    fmin=50,
    fmax=5000,  # lossy encoders leave the band below unchanged
    power=2,
    scale="db",
    top_db=60,
    pad_value=0.0,
    reverse=False,
)


class Examined(NamedTuple):
    """The digests and the summary of an audio file.

    Attributes
    ----------
    id : str
    fault : str or None
        Why the file cannot be used.
    content, samples : str
        SHA-256 of the file, and of its samples at 16 kHz; empty if it cannot be read.
    summary : np.ndarray or None [shape=(120,)]
        Of each mel band: mean relative to the clip's, standard deviation, and mean change between frames,
        in dB. The level of the clip does not matter.
    """

    id: str
    fault: str | None
    content: str
    samples: str
    summary: np.ndarray | None


def _summary(bands: np.ndarray) -> np.ndarray:
    changes = np.abs(np.diff(bands, axis=0)).mean(axis=0)
    return np.concatenate([bands.mean(axis=0) - bands.mean(), bands.std(axis=0), changes])


def _examine(root: Path, limits: Audio, track: Track) -> Examined:
    path = root / str(track.path)
    try:
        clip = decode(path, track.id, BANDS.sample_rate, limits)
    except Unreadable as fault:
        return Examined(track.id, str(fault), "", "", None)
    samples = hashlib.sha256(clip.samples.tobytes()).hexdigest()
    return Examined(
        track.id, None, audio_files.digest(path), samples, _summary(mel.spectrogram(clip, BANDS))
    )


def examine(root: Path, tracks: Sequence[Track], limits: Audio) -> list[Examined]:
    """Decode the file of every track that names one, in parallel.

    Parameters
    ----------
    root : Path
        ``data/raw/<dataset>``.
    limits : Audio
        Limits of a file's size and of the resources for decoding it.
    """
    named = [track for track in tracks if track.path]
    work = partial(_examine, root.absolute(), limits)
    return list(parallel.parallel_map(work, named, label=f"decode {root.name}"))


def summaries(examined: Sequence[Examined]) -> FeatureTable | None:
    """The summaries of the usable files as a table, or None if there are fewer than two."""
    usable = [e for e in examined if e.summary is not None]
    if len(usable) < 2:
        return None
    values = np.array([e.summary for e in usable])
    names = tuple(f"band {column}" for column in range(values.shape[1]))
    return FeatureTable(tuple(e.id for e in usable), names, values)
