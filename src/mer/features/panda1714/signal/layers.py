"""Musical layers: how many fundamental frequencies sound at once, frame by frame.

A multiple-F0 estimator by iterative cancellation after Klapuri (Multiple Fundamental Frequency
Estimation by Summing Harmonic Amplitudes, ISMIR 2006): the candidate of the largest comb salience is
a layer, its partials are taken away, and so on. The published columns come from Dressler's estimator
at steps of 5.8 ms, which is not public. The figures marked (a) were chosen so that the medians of the
columns over 30 clips of 4QAED come near those published; no label of emotion was looked at.
"""

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import rfft
from scipy.ndimage import median_filter

STEP = 512 / 22050  # s between two frames
OVERLAP = 8  # steps that a frame covers
HIGHEST = 6000.0  # Hz, of a partial
BAND = 32  # bins whose median is the floor of noise
FLOOR = 4.0  # times the floor that the amplitude of a tone exceeds
TONAL = 0.15  # (a) of a frame's power that tones have, at least
PITCHES = np.arange(36, 96.5, 0.5)  # MIDI, candidates
PARTIALS = np.arange(1, 11)
DECAY = 0.8  # of the weight of a partial to that of the one before
LEFT = 0.15  # of the amplitude of a layer's partials after its cancellation
STOP = 0.2  # (a) of the salience of a frame's first layer that each other has, at least
# (a) Of the salience of the clip's strongest first layers that each layer has, at least.
FAINT = 0.15
MOST = 11  # layers
SMOOTH = 3  # (a) frames of the median filter


def count(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Layers in each frame of 186 ms, one every ``STEP`` s; 0 in silence, noise and clicks.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=float32]
        Their level does not matter.
    sample_rate : int
        Hz, at least 12000.

    Returns
    -------
    np.ndarray [shape=(frames,), dtype=int64]
    """
    hop = round(STEP * sample_rate)
    size = OVERLAP * hop
    power = _power(samples, hop, size)
    bands = int(HIGHEST * size / sample_rate) // BAND
    power = power[:, : bands * BAND]
    tones = _tones(power)
    starts, comb, kept = _templates(sample_rate, size)
    peaks = np.sqrt(np.maximum.reduceat(tones, starts, axis=1))
    tonal = tones.sum(axis=1) > TONAL * power.sum(axis=1)
    return median_filter(_layers(peaks, tonal, comb, kept), SMOOTH, mode="nearest")


def _power(samples: np.ndarray, hop: int, size: int) -> np.ndarray:
    """Power spectra of frames centred on multiples of ``hop`` [shape=(frames, bins)]."""
    padded = np.pad(samples.astype(np.float32), size // 2)
    frames = sliding_window_view(padded, size)[::hop]
    spectra = rfft(frames * np.hanning(size).astype(np.float32))
    return spectra.real**2 + spectra.imag**2


def _tones(power: np.ndarray) -> np.ndarray:
    """The power where it stands out from its band, 0 elsewhere [shape=(frames, bins)]."""
    floor = np.median(power.reshape(len(power), -1, BAND), axis=2)
    return np.where(power > FLOOR**2 * np.repeat(floor, BAND, axis=1), power, 0)


def _layers(peaks: np.ndarray, tonal: np.ndarray, comb: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Layers of each frame, 0 where it is not tonal.

    Parameters
    ----------
    peaks : np.ndarray [shape=(frames, steps), dtype=float32]
        Largest amplitude of a tone in each half semitone.
    tonal : np.ndarray [shape=(frames,), dtype=bool]
    comb, kept : np.ndarray
        Results of ``_templates``.
    """
    counts = np.zeros(len(peaks), int)
    rows = np.flatnonzero(tonal)
    if not len(rows):
        return counts
    rest = peaks[rows]
    first = (rest @ comb).max(axis=1)
    least = np.maximum(STOP * first, FAINT * np.quantile(first, 0.9))
    for _ in range(MOST):
        salience = rest @ comb
        present = salience.max(axis=1) > least
        rows, least, best = rows[present], least[present], salience[present].argmax(axis=1)
        counts[rows] += 1
        rest = rest[present] * kept[best]
    return counts


def _midi_to_hz(midi: np.ndarray) -> np.ndarray:
    return 440 * 2 ** ((midi - 69) / 12)


@cache
def _templates(sample_rate: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First bin of each half semitone, and the templates of the candidates on that scale.

    Returns
    -------
    starts : np.ndarray [shape=(steps,), dtype=int]
    comb : np.ndarray [shape=(steps, candidates), dtype=float32]
        Weights of the partials in the salience.
    kept : np.ndarray [shape=(candidates, steps), dtype=float32]
        Factor of each half semitone that remains after the cancellation of a candidate.
    """
    bins = int(HIGHEST * size / sample_rate) // BAND * BAND
    steps = np.arange(PITCHES[0] - 0.5, 128, 0.5)
    starts = np.rint(_midi_to_hz(steps - 0.25) * size / sample_rate).astype(int)
    steps, starts = steps[starts < bins], starts[starts < bins]
    partials = PITCHES[:, None] + 12 * np.log2(PARTIALS)
    place = np.rint((partials - steps[0]) / 0.5)[:, :, None] == np.arange(len(steps))
    comb = np.einsum("cps,p->sc", place, DECAY ** (PARTIALS - 1.0))
    width = np.maximum(
        3 * sample_rate / size, _midi_to_hz(steps + 0.375) - _midi_to_hz(steps)
    )  # main lobe, or pitch
    near = np.abs(_midi_to_hz(partials)[:, :, None] - _midi_to_hz(steps)) < width
    return starts, comb.astype(np.float32), np.where(near.any(1), LEFT, 1).astype(np.float32)
