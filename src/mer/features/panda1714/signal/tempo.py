"""Onsets, periodicity, tempo and beats.

Ellis. Beat tracking by dynamic programming. JNMR 36(1), 2007. Grosche, Müller, Kurth. Cyclic
tempogram. ICASSP 2010. Lartillot, Cereghetti, Eliard, Trost, Rappaz, Grandjean. Estimating tempo and
metrical features by tracking the whole metrical hierarchy. ICME 2013: of its levels only one path is
tracked here.
"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import gaussian_filter1d

from mer.features.panda1714.signal.cepstra import mel_filters
from mer.features.panda1714.signal.loudness import bark_bands
from mer.features.panda1714.signal.spectra import TINY, parabolic_peaks, ratio

SLOWEST, FASTEST = 40, 200  # beats per minute
WINDOW = 6.0  # seconds of a tempogram's frame
STEP = 0.1  # seconds between them
PREFERRED, OCTAVES = 120, 1.0  # beats per minute, and the prior's deviation
TIGHTNESS = 100


def flux(power: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mean rise of the mel bands' level in dB, smoothed [shape=(n,)], from power [shape=(n, bins)]."""
    bands = power @ mel_filters(power.shape[1], sample_rate).astype(np.float32)
    levels = 10 * np.log10(np.maximum(bands, 1e-8 * max(bands.max(), 1e-12)))
    rise = np.maximum(np.diff(levels, axis=0, prepend=levels[:1]), 0).mean(axis=1)
    return gaussian_filter1d(rise.astype(float), 1.5, mode="constant")


def fluctuation(power: np.ndarray, sample_rate: int, frame_rate: float) -> np.ndarray:
    """Fluctuation of the critical bands' levels up to 10 Hz, summed over them [shape=(bins,)].

    Pampalk, Rauber, Merkl. Content-based organization and visualization of music archives. ACM
    Multimedia 2002; Fastl's weighting of the modulation rate f is 1 / (f / 4 + 4 / f).

    Parameters
    ----------
    power : np.ndarray [shape=(n, bins)]
        At ``frame_rate`` Hz.
    """
    bands = bark_bands(power, sample_rate)
    levels = 10 * np.log10(np.maximum(bands, max(1e-8 * bands.max(), TINY)))
    frequencies = np.fft.rfftfreq(len(levels), 1 / frame_rate)
    kept = (frequencies > 0) & (frequencies <= 10)
    spectrum = np.abs(rfft(levels, axis=0))[kept].sum(axis=1) / len(levels)
    return spectrum / (frequencies[kept] / 4 + 4 / frequencies[kept])


def rise(envelope: np.ndarray) -> np.ndarray:
    """Rise of an amplitude envelope, smoothed [shape=(n,)]."""
    found = np.maximum(np.diff(envelope, prepend=envelope[:1]), 0)
    return gaussian_filter1d(found.astype(float), 1.5, mode="constant")


def lags(frame_rate: float) -> np.ndarray:
    """The lags of 200 down to 40 beats per minute, in frames."""
    return np.arange(int(60 * frame_rate / FASTEST), int(60 * frame_rate / SLOWEST) + 2)


def tempogram(onsets: np.ndarray, frame_rate: float) -> np.ndarray:
    """Autocorrelation in Hann windows over that at lag 0, at each lag from 0 on [shape=(n, lags)]."""
    size = int(WINDOW * frame_rate)
    padded = np.pad(onsets, size // 2)
    step = int(STEP * frame_rate)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::step]
    taper = np.hanning(size)
    level = windows @ taper / taper.sum()
    windows = (windows - level[:, None]) * taper
    n_fft = next_fast_len(2 * size, real=True)
    found = irfft(np.abs(rfft(windows, n_fft)) ** 2, n_fft)[:, : lags(frame_rate)[-1] + 2]
    fading = irfft(np.abs(rfft(taper, n_fft)) ** 2, n_fft)[: found.shape[1]]
    return ratio(found, found[:, :1]) * (fading[0] / fading) ** 0.5


def _prior(beats: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * (np.log2(beats / PREFERRED) / OCTAVES) ** 2)


def strongest(curves: np.ndarray, frame_rate: float, prior: bool) -> np.ndarray:
    """The tempo of the highest autocorrelation of each frame, in beats per minute [shape=(n,)].

    A frame without a positive autocorrelation at these lags has no tempo and is left out.
    """
    candidates = lags(frame_rate)
    within = np.maximum(curves[:, candidates], 0)
    weights = _prior(60 * frame_rate / candidates) if prior else 1
    alive = within.max(axis=1) > 0
    places = candidates[(within * weights).argmax(axis=1)]
    return 60 * frame_rate / parabolic_peaks(curves, places[:, None])[:, 0][alive]


def path(curves: np.ndarray, frame_rate: float) -> np.ndarray:
    """The smoothest strong tempo path through a tempogram (Viterbi), in beats per minute."""
    candidates = lags(frame_rate)
    beats = 60 * frame_rate / candidates
    score = np.log(np.maximum(curves[:, candidates], 1e-3) * _prior(beats))
    cost = 40 * np.abs(np.subtract.outer(np.log2(beats), np.log2(beats)))
    best, steps = score[0], []
    for row in score[1:]:
        reached = best[None] - cost
        steps.append(reached.argmax(axis=1))
        best = reached.max(axis=1) + row
    places = [int(best.argmax())]
    for step in reversed(steps):
        places.append(int(step[places[-1]]))
    alive = curves[:, candidates].max(axis=1) > 0
    return 60 * frame_rate / parabolic_peaks(curves, candidates[places[::-1], None])[:, 0][alive]


def metre(curves: np.ndarray, frame_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Centroid in beats per minute, and sum, of the autocorrelation's peaks above 0.1 [shape=(n,)]."""
    candidates = lags(frame_rate)
    middle = curves[:, candidates]
    tops = (middle > curves[:, candidates - 1]) & (middle >= curves[:, candidates + 1])
    shown = np.where(tops & (middle > 0.1), middle, 0)
    strength = shown.sum(axis=1)
    return ratio(shown @ (60 * frame_rate / candidates), strength), strength


def beats(onsets: np.ndarray, frame_rate: float, tempo: float) -> np.ndarray:
    """Beat instants in frames, by dynamic programming around a tempo in beats per minute."""
    if tempo <= 0 or not onsets.any():
        return np.zeros(0, int)
    period = 60 * frame_rate / tempo
    local = gaussian_filter1d(onsets / onsets.std(), period / 32, mode="constant")
    back = np.arange(-round(2 * period), -round(period / 2))
    penalty = TIGHTNESS * np.log(-back / period) ** 2
    score, before = local.copy(), np.full(len(local), -1)
    for now in range(-back[0], len(local)):
        reached = score[now + back] - penalty
        best = reached.argmax()
        score[now] += reached[best]
        before[now] = now + back[best]
    last = len(score) - 1 - int(score[::-1][: int(2 * period)].argmax())
    found = [last]
    while before[found[-1]] >= 0:
        found.append(before[found[-1]])
    return np.array(found[::-1])


def tempi(instants: np.ndarray, frame_rate: float) -> np.ndarray:
    """Beats per minute between beats [shape=(len(instants) - 1,)]."""
    return 60 * frame_rate / np.diff(instants)


def changes(curve: np.ndarray) -> np.ndarray:
    """Octaves between successive tempi; mirtempo's tempo change."""
    return np.diff(np.log2(curve))
