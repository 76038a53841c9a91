"""Spectrograms of a corpus in one view: prepare a clip, then transform it.

Equal to librosa's ``melspectrogram`` and ``power_to_db``: centred Hann windows, zeros beyond the
ends, Slaney's bands; or to torchaudio's with HTK's. A view that cuts clips into segments has a
spectrogram of each.
"""

import math
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft
from scipy.sparse import csr_array

from mer import audio
from mer.errors import MerError
from mer.schema.spectrograms import View, Waveform
from mer.types import Clip

FLOOR = 1e-10  # power at -100 dB
FAINT = 2e-8  # of a window's power, times a filter's peak: float32 may be 5e-4 dB off below it
BLOCK = 64  # windows transformed at once: they fit into the processor's cache


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


def padded(mel: np.ndarray, frames: int, view: View) -> np.ndarray:
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
    return replace(clip, samples=_cropped(samples, form), sample_rate=form.rate)


def _mel(samples: np.ndarray, view: View) -> np.ndarray:
    """The mel spectrogram of a clip or segment [shape=(frames, mels), dtype=float32]."""
    mel = _scaled(_bands(samples, view), view)
    mel = padded(mel, view.frames or len(mel), view)
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
    if clip.sample_rate != view.rate:
        raise MerError(
            f"the clip {clip.id!r} must be at the view's rate, {view.rate} Hz, not {clip.sample_rate} Hz; "
            "prepare it first"
        )
    if view.segments:
        return np.stack([_mel(segment, view) for segment in segments(clip.samples, view)])
    return _mel(_cropped(clip.samples, view), view)
