"""Spectrograms of a corpus in one view: prepare a clip, then transform it.

Equal to librosa's ``melspectrogram`` and ``power_to_db``: centred Hann windows, zeros beyond the
ends, Slaney's bands; or to torchaudio's with HTK's. A view that cuts clips into segments has a
spectrogram of each.
"""

import logging
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft
from scipy.sparse import csr_array

from mer import audio
from mer.artefacts import (
    Standard,
    absent,
    write_absent,
    write_manifest,
    writing,
)
from mer.blocks.views import View, Waveform
from mer.errors import MerError
from mer.files import read_array, reading
from mer.parallel import each
from mer.types import Clip, positions

FLOOR = 1e-10  # power at -100 dB
IDS_TYPES = {"id": "str", "frames": "int64"}
FAINT = 2e-8  # of a window's power, times a filter's peak: float32 may be 5e-4 dB off below it
BLOCK = 64  # windows transformed at once: they fit into the processor's cache

log = logging.getLogger("mer")


def _slaney_mels(hertz: float) -> float:
    """Slaney's scale: 15 mel are 1000 Hz; linear below, above a factor of 6.4 in 27 mel."""
    return min(hertz, 1000) * 3 / 200 + 27 * math.log(max(hertz, 1000) / 1000, 6.4)


def _slaney_hertz(mels: np.ndarray) -> np.ndarray:
    return np.minimum(mels, 15) * 200 / 3 * 6.4 ** (np.maximum(mels - 15, 0) / 27)


def _htk_mels(hertz: float) -> float:
    """HTK's scale: 1000 mel are 1000 Hz; logarithmic, with a knee at 700 Hz."""
    return 2595 * math.log10(1 + hertz / 700)


def _htk_hertz(mels: np.ndarray) -> np.ndarray:
    return 700 * (10 ** (mels / 2595) - 1)


SCALES = {"slaney": (_slaney_mels, _slaney_hertz), "htk": (_htk_mels, _htk_hertz)}


@cache
def _filters(view: View) -> csr_array:
    """Triangles over the FFT's bins [shape=(mels, 1 + n_fft // 2), dtype=float32].

    As ``librosa.filters.mel``, without the two seconds that importing it takes in every process.
    """
    mels, hertz = SCALES[view.bank]
    edges = hertz(np.linspace(mels(view.fmin), mels(view.fmax), view.mels + 2))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bins = np.fft.rfftfreq(view.n_fft, 1 / (view.filter_rate or view.rate))
    rise, fall = (bins - low) / (centre - low), (high - bins) / (high - centre)
    triangles = np.maximum(0, np.minimum(rise, fall))
    if view.bank == "slaney":
        triangles *= 2 / (high - low)
    return csr_array(triangles.astype(np.float32))


def _transformed(
    windows: np.ndarray, view: View, precision: type[np.floating]
) -> tuple[np.ndarray, np.ndarray]:
    """Bands of windows, by an FFT of this precision, and the power of each window's spectrum.

    Returns
    -------
    bands : np.ndarray [shape=(n, mels), dtype=float32]
        Magnitude or power.
    power : np.ndarray [shape=(n,), dtype=float32]
        Sum over the bins.
    """
    hann = np.hanning(view.n_fft + 1)[:-1].astype(precision)
    filters = _filters(view)
    bands, power = np.empty((len(windows), view.mels), np.float32), np.empty(len(windows), "f4")
    for start in range(0, len(windows), BLOCK):
        block = slice(start, start + BLOCK)
        spectrum = rfft(windows[block].astype(precision, copy=False) * hann, overwrite_x=True)
        magnitude = np.abs(spectrum).astype(np.float32, copy=False)
        bands[block] = (filters @ (magnitude**view.power).T).T
        power[block] = np.vecdot(magnitude, magnitude)
    return bands, power


def _floor(bands: np.ndarray, view: View) -> float:
    """The least magnitude or power that a scale in dB tells apart."""
    lowest = FLOOR ** (view.power / 2)
    if view.top_db is None:
        return lowest
    return max(lowest, float(bands.max()) * 10 ** (-view.top_db * view.power / 20))


def _bands(samples: np.ndarray, view: View) -> np.ndarray:
    """Magnitude or power in each band [shape=(1 + n // hop, mels), dtype=float32].

    Computed in float32, whose rounding spreads over all bins of a window; where that could be heard
    in a faint band beside loud ones, beside a pure tone above all, the window again in float64.
    """
    padded = np.pad(samples, view.n_fft // 2)
    windows = sliding_window_view(padded, view.n_fft)[:: view.hop]
    bands, power = _transformed(windows, view, np.float32)
    peaks = _filters(view).max(axis=1).toarray()
    faint = bands < (FAINT * power[:, None] * peaks) ** np.float32(view.power / 2)
    (again,) = np.nonzero((faint & (bands > _floor(bands, view) / 2)).any(axis=1))
    bands[again] = _transformed(windows[again], view, np.float64)[0]
    return bands


def _scaled(bands: np.ndarray, view: View) -> np.ndarray:
    """``bands`` in dB relative to 1.0, or as log10(1 + S) or log10(1 + 10 S)."""
    if view.scale != "db":
        factor = np.float32({"log10p1": 1, "log10p10": 10}[view.scale])
        return np.log1p(factor * bands) / np.float32(np.log(10))
    lowest = np.float32(_floor(bands, view))
    return np.float32(20 / view.power) * np.log10(np.maximum(bands, lowest))


def _cropped(samples: np.ndarray, form: Waveform) -> np.ndarray:
    """``samples`` cropped or repeated to the length that ``form`` asks for."""
    if form.samples is None:
        return samples
    if form.short == "repeat" and len(samples) < form.samples:
        return np.resize(samples, form.samples)
    excess = max(len(samples) - form.samples, 0)
    start = {"start": 0, "middle": excess // 2, "end": excess}[form.keep]
    return samples[start : start + form.samples]


def segments(samples: np.ndarray, form: Waveform) -> np.ndarray:
    """The segments of a prepared waveform [shape=(segments, segment)]; zeros where it is too short.

    Raises
    ------
    MerError
        If ``form`` cuts nothing.
    """
    if form.segments is None or form.segment is None:
        raise MerError(f"a waveform that is cut must have a segment, not {form.segment}")
    whole = np.zeros(form.segments * form.segment, np.float32)
    kept = _cropped(samples, form)[: len(whole)]
    whole[: len(kept)] = kept
    return whole.reshape(form.segments, form.segment)


def _padded(mel: np.ndarray, frames: int, view: View) -> np.ndarray:
    """``mel`` with ``fill`` after its last frame [shape=(..., frames, mels)]."""
    value = mel.min() if view.fill == "minimum" else view.fill
    widths = [(0, 0)] * (mel.ndim - 2) + [(0, frames - mel.shape[-2]), (0, 0)]
    return np.pad(mel, widths, constant_values=value)


def prepare(clip: Clip, form: Waveform) -> Clip:
    """The waveform that ``spectrogram`` or a network takes: resampled, levelled, cropped or repeated.

    Augmentations of the waveform stand between this and what follows.

    Returns
    -------
    Clip
        At ``form.rate``. Where ``form`` pads, a shorter clip stays as short as it is.

    Raises
    ------
    MerError
        If that rate is above the clip's; the message names both.
    """
    samples = audio.resample(clip, form.rate).samples
    peak = np.abs(samples).max()
    if form.peak_db is not None and peak > 0:
        samples = samples * np.float32(10 ** (form.peak_db / 20) / peak)
    return replace(clip, samples=_cropped(samples, form), rate=form.rate)


def _mel(samples: np.ndarray, view: View) -> np.ndarray:
    """The mel spectrogram of a clip or segment [shape=(frames, mels), dtype=float32]."""
    mel = _scaled(_bands(samples, view), view)
    mel = _padded(mel, view.frames or len(mel), view)
    return mel[::-1].copy() if view.reverse else mel


def spectrogram(clip: Clip, view: View) -> np.ndarray:
    """The mel spectrogram of a prepared clip, in the view's scale.

    Parameters
    ----------
    clip : Clip
        As ``prepare`` leaves it; one that a transform has lengthened is cropped again.

    Returns
    -------
    np.ndarray [shape=(frames, mels) or (segments, frames, mels), dtype=float32]
        Low bands first; time forwards unless the view reverses it. Where the view has no fixed
        length, ``1 + samples // hop`` frames.

    Raises
    ------
    MerError
        If the clip is at another rate.
    """
    if clip.rate != view.rate:
        raise MerError(
            f"the clip {clip.id!r} must be at the view's rate, {view.rate} Hz, not {clip.rate} Hz; "
            "prepare it first"
        )
    if view.segments:
        return np.stack([_mel(segment, view) for segment in segments(clip.samples, view)])
    return _mel(_cropped(clip.samples, view), view)


def width(corpus: Standard, view: View) -> int:
    """Frames of the longest spectrogram of a corpus, or of a segment's."""
    longest = math.ceil(max(corpus.lengths) * view.rate / corpus.rate)
    return view.frames or 1 + longest // view.hop


def write(
    folder: Path,
    ids: tuple[str, ...],
    mels: Iterable[np.ndarray],
    width: int,
    view: View,
    copies: Collection[str] = (),
) -> None:
    """Write spectrograms, clip by clip, as ``Mels`` reads them.

    Parameters
    ----------
    mels : iterable of np.ndarray [shape=(..., frames, mels)]
        In the order of ``ids``: of a clip, its segments, its copies, or its copies' segments. At most
        ``width`` frames, fewer are filled up.
    copies : collection of str
        Names of a clip's copies; empty where a clip stands once.
    """
    each_clip = [*([len(copies)] if copies else []), *([view.segments] if view.segments else [])]
    shape = (len(ids), *each_clip, width, view.mels)
    facts = {"descr": "<f2", "fortran_order": False, "shape": shape}
    frames = []
    with (folder / "mel.npy").open("wb") as stream:  # a full disk ends a memory map by SIGBUS
        np.lib.format.write_array_header_1_0(stream, facts)
        for _, mel in zip(ids, mels, strict=True):
            stream.write(_padded(mel, width, view).astype("<f2").tobytes())
            frames.append(mel.shape[-2])
    table = pd.DataFrame({"id": ids, "frames": frames})
    table.to_csv(folder / "ids.csv", index=False, lineterminator="\n")
    write_manifest(folder, view=view.model_dump(), copies=list(copies))


def _of_clip(standard: Path, view: View, index: int) -> np.ndarray:
    return spectrogram(prepare(Standard.read(standard).clip(index), view), view)


def compute(standard: Path, target: Path, view: View | None) -> None:
    """Write ``data/mel/<view>/<dataset>``: every clip's spectrogram as float16 (0.031 dB at most).

    Parameters
    ----------
    standard : Path
        ``data/standard/<dataset>``; where it is absent, so is the target.
    view : View or None
        None leaves an absent artefact too.

    Raises
    ------
    MerError
        If the view's rate is above the corpus'.
    """
    if view is None:
        write_absent(target, "this view has no spectrogram")
        return
    if reason := absent(standard):
        write_absent(target, reason)
        return
    corpus = Standard.read(standard)
    clips = range(len(corpus.ids))
    with writing(target) as folder:
        mels = each(partial(_of_clip, standard.absolute(), view), clips, label=f"mel {target.name}")
        write(folder, corpus.ids, mels, width(corpus, view), view)
    log.info("%d spectrograms", len(clips))


@dataclass(frozen=True)
class Mels:
    """The spectrograms of a corpus in one view, memory-mapped.

    Attributes
    ----------
    ids : tuple of str [length n]
        Sorted.
    frames : np.ndarray [shape=(n,), dtype=int]
        Frames of each clip; only a view that keeps clips' own lengths fills the others.
    values : np.ndarray [shape=(n, frames, mels) or (n, segments, frames, mels), dtype=float16]
    """

    ids: tuple[str, ...]
    frames: np.ndarray
    values: np.ndarray

    @classmethod
    def read(cls, folder: Path) -> "Mels":
        """Open ``data/mel/<view>/<dataset>`` without loading it.

        Raises
        ------
        MerError
            If the artefact is absent; the message says why. Or if it is damaged.
        """
        if reason := absent(folder):
            raise MerError(f"{folder} is absent: {reason}")
        values = read_array(folder / "mel.npy")
        with reading(folder / "ids.csv", "the table of the clips in mel.npy"):
            table = pd.read_csv(folder / "ids.csv", dtype=IDS_TYPES, keep_default_na=False)
            if len(table) != len(values):
                raise ValueError(f"{len(table)} rows for {len(values)} spectrograms")
            return cls(tuple(table["id"]), table["frames"].to_numpy(), values)

    def rows(self, ids: Iterable[str]) -> np.ndarray:
        """The spectrograms of ``ids``, in their order [shape=(len(ids), …, frames, mels)].

        Raises
        ------
        MerError
            If an id has none.
        """
        return self.values[positions(self.ids, ids, "spectrogram")]
