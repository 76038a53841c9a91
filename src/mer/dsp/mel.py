"""Mel spectrograms of a clip in one view.

The values equal those of librosa's ``melspectrogram`` and ``power_to_db``, or with ``mel_scale: htk``
those of torchaudio's ``MelSpectrogram``: centred Hann windows, and zeros beyond the ends of the clip. A
view with segments has a spectrogram of each segment.
"""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft
from scipy.sparse import csr_array

from mer import audio
from mer.dsp.mel_filters import mel_filters
from mer.errors import MerError
from mer.schema.spectrograms import View, Waveform
from mer.types import Clip

MIN_POWER = 1e-10  # -100 dB, as in librosa.power_to_db
BLOCK = 64  # frames that are transformed at once: they fit into the processor's cache


@cache
def _filters(view: View) -> csr_array:
    """The mel filters of a view [shape=(n_mels, 1 + n_fft // 2), dtype=float32]."""
    rate, htk = view.filter_rate or view.sample_rate, view.mel_scale == "htk"
    limits = {"fmin": view.fmin, "fmax": view.fmax}
    return csr_array(mel_filters(rate, view.n_fft, view.n_mels, **limits, htk=htk))


def _bands(samples: np.ndarray, view: View) -> np.ndarray:
    """Magnitude or power in each mel band [shape=(1 + n // hop_length, n_mels), dtype=float32]."""
    # librosa.feature.melspectrogram would make "prepare and mel" 1.7 times as expensive; SciPy's FFT of a
    # few frames at a time costs 1.1 times. The sparse filter bank sums in one order on every processor.
    hann = np.hanning(view.n_fft + 1)[:-1].astype(np.float32)
    padded = np.pad(samples.astype(np.float32, copy=False), view.n_fft // 2)
    frames = sliding_window_view(padded, view.n_fft)[:: view.hop_length]
    bands = np.empty((len(frames), view.n_mels), np.float32)
    for start in range(0, len(frames), BLOCK):
        block = slice(start, start + BLOCK)
        spectrum = rfft(frames[block] * hann, overwrite_x=True)
        power = spectrum.real**2 + spectrum.imag**2
        bands[block] = (_filters(view) @ (np.sqrt(power) if view.power == 1 else power).T).T
    return bands


def _scaled(bands: np.ndarray, view: View) -> np.ndarray:
    """``bands`` in dB relative to 1.0, or as log10(1 + S) or log10(1 + 10 S) [dtype=float32].

    Logarithms are computed in float64: those of float32 depend on the processor.
    """
    precise = bands.astype(np.float64)
    if view.scale != "db":
        factor = {"log10p1": 1, "log10p10": 10}[view.scale]
        return np.log10(1 + factor * precise).astype(np.float32)
    decibels = 10 * np.log10(np.maximum(precise ** (2 / view.power), MIN_POWER))
    if view.top_db is not None:
        decibels = np.maximum(decibels, decibels.max() - view.top_db)
    return decibels.astype(np.float32)


def _cropped(samples: np.ndarray, form: Waveform) -> np.ndarray:
    """``samples`` cropped or repeated to ``form.samples``."""
    if form.samples is None:
        return samples
    if form.pad_mode == "repeat" and len(samples) < form.samples:
        return np.resize(samples, form.samples)
    excess = max(len(samples) - form.samples, 0)
    start = {"start": 0, "middle": excess // 2, "end": excess}[form.crop_from]
    return samples[start : start + form.samples]


def segments(samples: np.ndarray, form: Waveform) -> np.ndarray:
    """The segments of a prepared waveform [shape=(segments, segment_samples)], padded with zeros.

    Raises
    ------
    MerError
        If ``form`` has no segments.
    """
    if form.segments is None or form.segment_samples is None:
        raise MerError(
            "segment_samples must be a number of samples where a waveform is cut into segments, and is "
            f"{form.segment_samples}; set it in the view or in the waveform of the model"
        )
    whole = np.zeros(form.segments * form.segment_samples, np.float32)
    kept = _cropped(samples, form)[: len(whole)]
    whole[: len(kept)] = kept
    return whole.reshape(form.segments, form.segment_samples)


def padded(mel: np.ndarray, frames: int, view: View, *, at_start: bool = False) -> np.ndarray:
    """Spectrograms with ``pad_value`` after their last frame [shape=(..., frames, n_mels)].

    Parameters
    ----------
    mel : np.ndarray [shape=(..., n, n_mels)]
        The minimum of each spectrogram pads that one.
    at_start : bool
        Whether to pad before the first frame, as where time runs backwards.
    """
    shape = (*mel.shape[:-2], frames - mel.shape[-2], mel.shape[-1])
    of_each = view.pad_value == "minimum"
    value = mel.min(axis=(-2, -1), keepdims=True) if of_each else view.pad_value
    padding = np.full(shape, value, mel.dtype)
    return np.concatenate([padding, mel] if at_start else [mel, padding], axis=-2)


def prepare(clip: Clip, form: Waveform) -> Clip:
    """The waveform that ``spectrogram`` or a network reads: resampled, normalized, cropped or repeated.

    Augmentation transforms the prepared waveform, before its spectrogram is computed.

    Parameters
    ----------
    form : Waveform
        Sample rate, peak, length and padding of the result; a ``View`` is one.

    Returns
    -------
    Clip
        At ``form.sample_rate``. With ``pad_mode: pad`` a shorter clip keeps its length.

    Raises
    ------
    MerError
        If ``form.sample_rate`` is above the sample rate of the clip; the message names both.
    """
    samples = audio.resample(clip, form.sample_rate).samples
    samples = _cropped(audio.with_peak(samples, form.peak_db), form)
    return replace(clip, samples=samples, sample_rate=form.sample_rate)


def _mel(samples: np.ndarray, view: View) -> np.ndarray:
    """The mel spectrogram of a clip or segment [shape=(frames, n_mels), dtype=float32]."""
    mel = _scaled(_bands(samples, view), view)
    mel = padded(mel, view.frames or len(mel), view)
    return mel[::-1].copy() if view.reverse else mel


def spectrogram(clip: Clip, view: View) -> np.ndarray:
    """The mel spectrogram of a prepared clip, in the view's scale.

    Parameters
    ----------
    clip : Clip
        A result of ``prepare``. A clip that a transform has made longer is cropped again.

    Returns
    -------
    np.ndarray [shape=(frames, n_mels) or (segments, frames, n_mels), dtype=float32]
        Low bands come first. A view without a fixed length gives ``1 + samples // hop_length`` frames.

    Raises
    ------
    MerError
        If the clip has another sample rate than the view.
    """
    if clip.sample_rate != view.sample_rate:
        raise MerError(
            f"the clip {clip.id!r} must have the view's sample rate of {view.sample_rate} Hz, not "
            f"{clip.sample_rate} Hz; prepare it first"
        )
    if view.segments:
        return np.stack([_mel(segment, view) for segment in segments(clip.samples, view)])
    return _mel(_cropped(clip.samples, view), view)
