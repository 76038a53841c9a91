"""Intermediate signals that several descriptors share; each is computed once, at its first use."""

from functools import cached_property

import numpy as np
from scipy.signal import lfilter
from scipy.signal.windows import blackman, hamming, hann

from mer.errors import MerError
from mer.features.panda1714.signal import (
    cepstra,
    chroma,
    loudness,
    lpc,
    pitch,
    similarity,
    spectra,
    tempo,
)

RATE = 22050  # Hz, at which the published set was extracted
HOP_10MS = 220  # samples
MIR_FRAME = 1102  # samples, 50 ms


class SignalCache:
    """Spectra, envelopes and curves of one channel of a clip, computed at their first use.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=float32]
        Finite, mono.
    sample_rate : int
        22050 Hz.

    Raises
    ------
    MerError
        If the sample rate is another one, or there are no samples.
    """

    def __init__(self, samples: np.ndarray, sample_rate: int) -> None:
        if sample_rate != RATE:
            raise MerError(
                f"the 1714 features are defined at {RATE} Hz, not {sample_rate}; resample"
            )
        if not len(samples):
            raise MerError("the 1714 features need at least one sample, got none")
        self.samples = np.ascontiguousarray(samples, np.float32)
        self.sample_rate = sample_rate

    @cached_property
    def mir(self) -> np.ndarray:
        """Magnitudes of MIR Toolbox' frames: 50 ms, half overlapping [shape=(n, 1025)]."""
        return np.abs(spectra.transform(self.samples, hamming(MIR_FRAME), MIR_FRAME // 2, 2048))

    @cached_property
    def marsyas(self) -> np.ndarray:
        """Magnitudes of Marsyas' frames: 512 samples, side by side [shape=(n, 257)]."""
        return np.abs(spectra.transform(self.samples, hamming(512), 512))

    @cached_property
    def psysound(self) -> np.ndarray:
        """PsySound's spectra: 4096 samples, half overlapping [shape=(n, 2049), complex64]."""
        return spectra.transform(self.samples, blackman(4096), 2048)

    @cached_property
    def power(self) -> np.ndarray:
        """Power of PsySound's spectra [shape=(n, 2049)]."""
        return np.abs(self.psysound) ** 2

    @cached_property
    def power_10ms(self) -> np.ndarray:
        """Power of frames of 46 ms every 10 ms [shape=(n, 513)]."""
        centred = np.pad(self.samples, 512)
        return np.abs(spectra.transform(centred, hann(1024), HOP_10MS)) ** 2

    @cached_property
    def auditory_power(self) -> np.ndarray:
        """Power of frames of 93 ms every 46 ms, for models of hearing [shape=(n, 1025)]."""
        return self.centred(2048) ** 2

    def centred(self, size: int) -> np.ndarray:
        """Magnitudes in frames around every 1024th sample [shape=(n, size // 2 + 1)]."""
        padded = np.pad(self.samples, size // 2)
        return np.abs(spectra.transform(padded, hann(size), 1024))

    @cached_property
    def partials(self) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies in Hz and amplitudes of 20 partials every 46 ms [shape=(n, 20) each]."""
        return spectra.partials(np.sqrt(self.auditory_power), self.sample_rate / 2048)

    @cached_property
    def energy(self) -> np.ndarray:
        """Mean square of MIR Toolbox' frames [shape=(n,)]."""
        windows = spectra.frames(self.samples, MIR_FRAME, MIR_FRAME // 2)
        return np.einsum("ij,ij->i", windows, windows, dtype=float) / MIR_FRAME

    @cached_property
    def sounding(self) -> np.ndarray:
        """Frames whose RMS is above 0.5 % of the largest [dtype=bool]; MIR Toolbox ignores the others."""
        return self.energy > 0.005**2 * self.energy.max()

    @cached_property
    def envelope(self) -> np.ndarray:
        """RMS every 10 ms in 20 ms [shape=(n,)]."""
        windows = spectra.frames(np.pad(self.samples, HOP_10MS), 2 * HOP_10MS, HOP_10MS)
        return np.sqrt(np.einsum("ij,ij->i", windows, windows, dtype=float) / (2 * HOP_10MS))

    @property
    def frame_rate(self) -> float:
        """The frame rate of ``power_10ms``, ``envelope`` and ``onsets`` in Hz."""
        return self.sample_rate / HOP_10MS

    @cached_property
    def onsets(self) -> np.ndarray:
        """Spectral rise every 10 ms [shape=(n,)]."""
        return tempo.flux(self.power_10ms, self.sample_rate)

    @cached_property
    def rises(self) -> np.ndarray:
        """Rise of the envelope every 10 ms [shape=(n,)]."""
        return tempo.rise(self.envelope)

    @cached_property
    def tempogram(self) -> np.ndarray:
        """Local autocorrelation of the onsets [shape=(n, lags)]."""
        return tempo.tempogram(self.onsets, self.frame_rate)

    @cached_property
    def mfcc(self) -> np.ndarray:
        """MIR Toolbox' coefficients 1..13 [shape=(13, n)]."""
        return cepstra.mfcc(self.mir, self.sample_rate, 14)[1:]

    @cached_property
    def similarity(self) -> np.ndarray:
        """Cosine of the MFCC of every two frames of a tenth of a second [shape=(n, n)]."""
        return similarity.matrix(self.mfcc[:, ::4].T)

    @cached_property
    def chroma(self) -> np.ndarray:
        """Sums over the pitch classes of PsySound's frames, for Marsyas' columns [shape=(n, 12)]."""
        return chroma.sums(np.sqrt(self.power), self.sample_rate)

    @cached_property
    def f0(self) -> np.ndarray:
        """Fundamental of MIR Toolbox' frames in Hz, 0 in silence [shape=(n,)]."""
        return pitch.yin(spectra.frames(self.samples, MIR_FRAME, MIR_FRAME // 2), self.sample_rate)

    @cached_property
    def predictors(self) -> np.ndarray:
        """Linear predictors of order 18 of Marsyas' frames, pre-emphasized [shape=(n, 19)]."""
        emphasized = lfilter([1, -0.97], [1], self.samples).astype(np.float32)
        windows = spectra.frames(emphasized, 512, 512) * hamming(512).astype(np.float32)
        return lpc.predictor(lpc.autocorrelation(windows, 18))

    @cached_property
    def excitation(self) -> np.ndarray:
        """Excitation of the auditory filters every 46 ms [shape=(n, filters)]."""
        return loudness.excitation(self.auditory_power, self.sample_rate)

    @cached_property
    def specific(self) -> np.ndarray:
        """Loudness in sones per ERB every 46 ms [shape=(n, filters)]."""
        return loudness.specific(self.excitation)
