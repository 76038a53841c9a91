"""Essentia: 84 low-level scalars as its MusicExtractor gives them, and 27 of rhythm and tonality.

Bogdanov, Wack, Gómez, Gulati, Herrera, Mayor, Roma, Salamon, Zapata, Serra. Essentia: an Audio
Analysis Library for Music Information Retrieval. ISMIR 2013. The 84 are those of Pandrea,
Gómez-Cañón & Herrera (methods.md C1): ``MusicExtractor(lowlevelSilentFrames="drop",
lowlevelStats=["mean", "stdev"])``, its scalar descriptors only, without the rest of its work.

As there, the analysis runs at 44.1 kHz whatever the clip's rate (Essentia's loudness filter has no
22.05 kHz), and all but the EBU R128 loudness is measured at replay gain + 6 dB, so that the clip's
level does not matter. A statistic over no frame is 0; the rest is what Essentia says of silence.
"""

from collections.abc import Callable, Iterable
from functools import cache
from importlib import metadata
from typing import Any, Literal

import numpy as np
import soxr
from pydantic import PositiveInt
from scipy.fft import rfft

from mer.config import Block
from mer.types import Clip

RATE = 44100  # Hz, of the analysis
NYQUIST = RATE / 2
FRAME = 2048  # samples; the tonal frames are twice as long
SILENCE = 1e-10  # mean power below which a frame is dropped
MOMENT = RATE // 20  # samples over which replay gain looks at the power
REFERENCE = -31.46266746520996  # dB, of its reference noise, as Essentia's stream has it
SHAPES = ("crest", "flatness_db", "kurtosis", "skewness", "spread")

# The mean and the standard deviation over the frames of each.
LOWLEVEL_FRAMES = (
    *(f"{bank}bands_{shape}" for bank in ("bark", "erb", "mel") for shape in SHAPES),
    *("dissonance", "hfc", "pitch_salience"),
    *(f"silence_rate_{level}dB" for level in (20, 30, 60)),
    *("spectral_centroid", "spectral_complexity", "spectral_decrease", "spectral_energy"),
    *(f"spectral_energyband_{band}" for band in ("high", "low", "middle_high", "middle_low")),
    *("spectral_entropy", "spectral_flux", "spectral_kurtosis", "spectral_rms"),
    *("spectral_rolloff", "spectral_skewness", "spectral_spread", "spectral_strongpeak"),
    "zerocrossingrate",
)
LOWLEVEL = (
    *("average_loudness", "dynamic_complexity"),
    *("loudness_ebu128.integrated", "loudness_ebu128.loudness_range"),
)
LOUDNESS_FRAMES = ("loudness_ebu128.momentary", "loudness_ebu128.short_term")
PEAKS = ("bpm", "weight", "spread")
RHYTHM = (
    *("bpm", "beats_count", "danceability", "onset_rate"),
    *(f"bpm_histogram_{rank}_peak_{what}" for rank in ("first", "second") for what in PEAKS),
)
RHYTHM_FRAMES = ("beats_loudness",)
PROFILES = ("edma", "krumhansl", "temperley")
TONAL = (
    *("chords_changes_rate", "chords_number_rate"),
    *(f"key_{profile}.strength" for profile in PROFILES),
    *("tuning_diatonic_strength", "tuning_equal_tempered_deviation"),
    *("tuning_frequency", "tuning_nontempered_energy_ratio"),
)
TONAL_FRAMES = ("chords_strength", "hpcp_crest", "hpcp_entropy")
EDGES = {
    "low": (20, 150),
    "middle_low": (150, 800),
    "middle_high": (800, 4000),
    "high": (4000, 20000),
}


class Params(Block):
    """``families.essentia``.

    Attributes
    ----------
    rate : Hz of the audio that it gets; at 44100 the 84 are MusicExtractor's, below they are what
        MusicExtractor says of a file of that rate, which it raises to 44100 too
    profile : ``lowlevel``, the 84 scalars, or ``wide``, which adds rhythm and tonality
    """

    rate: PositiveInt
    profile: Literal["lowlevel", "wide"]


def versions() -> dict[str, str]:
    """What decides the values beside the parameters."""
    return {package: metadata.version(package) for package in ("essentia", "soxr", "scipy")}


def _columns(space: str, single: Iterable[str], frames: Iterable[str]) -> list[str]:
    statistics = (f"{name}.{statistic}" for name in frames for statistic in ("mean", "stdev"))
    return sorted(f"{space}.{name}" for name in (*single, *statistics))


def names(params: Params) -> list[str]:
    """The 84 columns, or 111 of the profile ``wide``, as Essentia's pools name and sort them.

    ``rhythm.bpm_histogram_first_peak_spread`` is ours: MusicExtractor writes it over the weight.
    """
    lowlevel = _columns("lowlevel", LOWLEVEL, (*LOWLEVEL_FRAMES, *LOUDNESS_FRAMES))
    if params.profile == "lowlevel":
        return lowlevel
    rhythm = _columns("rhythm", RHYTHM, RHYTHM_FRAMES)
    return [*lowlevel, *rhythm, *_columns("tonal", TONAL, TONAL_FRAMES)]


def extract(clip: Clip, params: Params) -> np.ndarray:
    """The descriptors of a clip.

    Parameters
    ----------
    clip : Clip
        At ``params.rate`` Hz.

    Returns
    -------
    np.ndarray [shape=(84,) or (111,), dtype=float32]
    """
    original = soxr.resample(clip.samples, clip.rate, RATE, quality="HQ")
    signal = _normalized(original)
    found = _spaced("lowlevel", _loudness(original) | _dynamics(signal) | _frames(signal))
    if params.profile == "wide":
        found |= _spaced("rhythm", _rhythm(signal)) | _spaced("tonal", _tonal(signal))
    return np.array([found[name] for name in names(params)], np.float32)


def _spaced(space: str, values: dict[str, Any]) -> dict[str, float]:
    """Scalars by full name; an array becomes its mean and its standard deviation."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if np.ndim(value):
            found[f"{space}.{name}.mean"] = np.mean(value, dtype=float) if len(value) else 0.0
            found[f"{space}.{name}.stdev"] = np.std(value, dtype=float) if len(value) else 0.0
        else:
            found[f"{space}.{name}"] = value
    return found


@cache
def _essentia() -> Any:
    """The library, its messages off."""
    import essentia
    import essentia.standard

    essentia.log.infoActive = essentia.log.warningActive = False
    return essentia


def _library() -> Any:
    """Its algorithms."""
    return _essentia().standard


@cache
def _algorithm(name: str, **options: Any) -> Any:
    """An algorithm without memory between its calls, configured once."""
    return getattr(_library(), name)(**options)


def _normalized(samples: np.ndarray) -> np.ndarray:
    """The signal at replay gain + 6 dB, cut at full scale.

    The gain brings the level that 95 % of the signal's moments are below to that of a reference. It
    is computed in Essentia's own precision: dissonance hears the rounding noise of the filters.
    """
    heard = _library().EqualLoudness()(np.clip(samples, -1, 1))
    frames = _library().FrameGenerator(heard, frameSize=MOMENT, hopSize=MOMENT, startFromZero=True)
    powers = sorted(_algorithm("InstantPower")(frame) for frame in frames)
    loudness = _essentia().pow2db(powers[int(0.95 * len(powers))])
    gain = _essentia().db2amp(float(np.float32(REFERENCE - loudness)) + 6)
    return np.clip(samples * np.float32(gain), -1, 1)


def _cut(signal: np.ndarray, size: int) -> np.ndarray:
    """Half-overlapping frames centred on multiples of the hop, without silent ones [shape=(n, size)].

    A silent frame takes the one after it along, as in Essentia's stream; the very first does not.
    """
    frames = np.array(list(_library().FrameGenerator(signal, frameSize=size, hopSize=size // 2)))
    silent = np.einsum("ij,ij->i", frames, frames) / size < SILENCE
    kept, number = [], 0
    while number < len(frames):
        if not silent[number]:
            kept.append(number)
        number += 2 if silent[number] and number else 1
    return frames[kept]


def _spectra(frames: np.ndarray) -> np.ndarray:
    """Magnitudes under Essentia's 62-dB Blackman-Harris window [shape=(n, size // 2 + 1)]."""
    windowing = _algorithm("Windowing", type="blackmanharris62", zeroPhase=False)
    return np.abs(rfft(frames * windowing(np.ones(frames.shape[1], np.float32))))


def _each(algorithm: Callable[[np.ndarray], Any], rows: np.ndarray) -> np.ndarray:
    return np.array([algorithm(row) for row in rows])


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """``top / bottom``, 0 where that is undefined."""
    return np.divide(top, bottom, out=np.zeros_like(bottom), where=bottom != 0)


def _loudness(samples: np.ndarray) -> dict[str, Any]:
    """EBU R128 loudness in LUFS, its range in LU; a mono file leaves the right channel empty."""
    stereo = np.column_stack([samples, np.zeros_like(samples)])
    values = _library().LoudnessEBUR128()(stereo)
    kinds = ("momentary", "short_term", "integrated", "loudness_range")
    return {f"loudness_ebu128.{kind}": value for kind, value in zip(kinds, values, strict=True)}


def _dynamics(signal: np.ndarray) -> dict[str, Any]:
    """Dynamic complexity in dB, and average loudness in 0..1: 1 if all seconds are alike."""
    frames = _library().FrameGenerator(signal, frameSize=2 * RATE, hopSize=RATE, startFromZero=True)
    levels = np.array([_algorithm("Loudness")(frame) for frame in frames])
    levels = np.maximum(levels / max(levels.max(), 1e-4), 1e-4)
    decibels = 10 * np.log10(levels.mean())
    return {
        "average_loudness": 0.5 + 0.5 * np.tanh(-1 + 2 * (decibels + 5) / 3),
        "dynamic_complexity": _library().DynamicComplexity()(signal)[0],
    }


def _frames(signal: np.ndarray) -> dict[str, np.ndarray]:
    """The 38 descriptors of frames of 46 ms, of the signal and of what the ear makes of it."""
    frames, heard = _cut(signal, FRAME), _cut(_library().EqualLoudness()(signal), FRAME)
    spectra = _spectra(frames)
    return _waves(frames) | _plain(spectra) | _banded(spectra) | _weighted(_spectra(heard))


def _waves(frames: np.ndarray) -> dict[str, np.ndarray]:
    """Zero crossings per sample, and whether a frame is below each level."""
    power = np.einsum("ij,ij->i", frames, frames) / FRAME
    positive = frames > 0
    rates = {f"silence_rate_{db}dB": power < 10 ** (-db / 20) for db in (20, 30, 60)}
    crossings = np.count_nonzero(positive[:, 1:] != positive[:, :-1], axis=1)
    return rates | {"zerocrossingrate": crossings / FRAME}


def _plain(spectra: np.ndarray) -> dict[str, np.ndarray]:
    """What the spectrum says without a weighting."""
    power = (spectra**2).astype(float)
    energy = power.sum(axis=1)
    steps = np.diff(spectra, axis=0, prepend=np.zeros_like(spectra[:1]))
    beyond = power.cumsum(axis=1) >= 0.85 * energy[:, None]
    return {
        "pitch_salience": _each(_algorithm("PitchSalience"), spectra),
        "spectral_complexity": _each(
            _algorithm("SpectralComplexity", magnitudeThreshold=0.005), spectra
        ),
        "spectral_energy": energy,
        "spectral_flux": np.sqrt((steps**2).sum(axis=1)),
        "spectral_rms": np.sqrt(energy / spectra.shape[1]),
        "spectral_rolloff": beyond.argmax(axis=1) * NYQUIST / (spectra.shape[1] - 1),
        "spectral_strongpeak": _each(_algorithm("StrongPeak"), spectra),
    }


@cache
def _banks() -> dict[str, np.ndarray]:
    """What is linear in the power of the bins, as weights [shape=(1025, bands)], by name.

    The bands are what Essentia's algorithms make of each bin alone.
    """
    bins = np.eye(FRAME // 2 + 1, dtype=np.float32)
    hertz = np.linspace(0, NYQUIST, len(bins))
    centred = hertz - hertz.mean()
    banks = {
        "barkbands": _each(_algorithm("BarkBands", numberBands=27), bins),
        "erbbands": _each(lambda x: _algorithm("GFCC", numberBands=40)(x)[0], bins),
        "melbands": _each(lambda x: _algorithm("MFCC", numberBands=40)(x)[0], bins),
        "hfc": hertz[:, None],
        "spectral_decrease": (centred / (centred @ centred))[:, None],
    }
    for name, (low, high) in EDGES.items():
        band = {"startCutoffFrequency": low, "stopCutoffFrequency": high}
        banks[f"spectral_energyband_{name}"] = _each(_algorithm("EnergyBand", **band), bins)[
            :, None
        ]
    return banks


def _banded(spectra: np.ndarray) -> dict[str, np.ndarray]:
    """Energies of bands, and the shape of the Bark, ERB and mel bands."""
    banks = _banks()
    ends = np.cumsum([bank.shape[1] for bank in banks.values()])
    every = spectra.astype(float) ** 2 @ np.hstack(list(banks.values()))
    found: dict[str, np.ndarray] = {}
    for name, bands in zip(banks, np.split(every, ends[:-1], axis=1), strict=True):
        if bands.shape[1] == 1:
            found[name] = bands[:, 0]
        else:
            found |= _shape(f"{name}_", bands, bands.shape[1] - 1) | _peakedness(name, bands)
    return found


def _shape(prefix: str, weights: np.ndarray, span: float) -> dict[str, np.ndarray]:
    """Spread, skewness and excess kurtosis of distributions over 0..span."""
    places = np.linspace(0, 1, weights.shape[1])
    total = weights.sum(axis=1)
    m1, m2, m3, m4 = (_ratio(weights @ places**power, total) for power in (1, 2, 3, 4))
    spread = m2 - m1**2
    third = m3 - 3 * m1 * m2 + 2 * m1**3
    fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    return {
        f"{prefix}spread": spread * span**2,
        f"{prefix}skewness": _ratio(third, spread**1.5),
        f"{prefix}kurtosis": _ratio(fourth, spread**2) - 3,
    }


def _peakedness(name: str, bands: np.ndarray) -> dict[str, np.ndarray]:
    """Crest, and flatness in 0 (flat) .. 1 (60 dB between geometric and arithmetic mean)."""
    mean = bands.mean(axis=1)
    with np.errstate(divide="ignore"):
        flatness = _ratio(np.exp(np.log(bands).mean(axis=1)), mean)
        decibels = -10 * np.log10(flatness)
    return {
        f"{name}_crest": _ratio(bands.max(axis=1), mean),
        f"{name}_flatness_db": np.minimum(decibels / 60, 1),
    }


def _weighted(spectra: np.ndarray) -> dict[str, np.ndarray]:
    """What is measured behind the equal-loudness filter."""
    magnitudes = spectra.astype(float)
    power = magnitudes**2
    share = _ratio(magnitudes, magnitudes.sum(axis=1, keepdims=True) + np.zeros_like(magnitudes))
    peaks = _algorithm("SpectralPeaks", orderBy="frequency")
    dissonance = _algorithm("Dissonance")
    return {
        "dissonance": _each(lambda spectrum: dissonance(*peaks(spectrum)), spectra),
        "spectral_centroid": _ratio(power @ _banks()["hfc"][:, 0], power.sum(axis=1)),
        "spectral_entropy": -(
            share * np.log2(share, out=np.zeros_like(share), where=share > 0)
        ).sum(axis=1),
        **_shape("spectral_", magnitudes, NYQUIST),
    }


def _rhythm(signal: np.ndarray) -> dict[str, Any]:
    """Tempo in bpm, its histogram's two peaks, beats and their loudness, onsets per second."""
    library = _library()
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


def _tonal(signal: np.ndarray) -> dict[str, Any]:
    """Tuning in Hz and its distance from twelve equal steps, strength of key and chords, their rates."""
    spectra = _spectra(_cut(signal, 2 * FRAME))
    if not len(spectra):
        return dict.fromkeys(TONAL, 0.0) | {name: np.zeros(0) for name in TONAL_FRAMES}
    tuning = _tuning(spectra)
    peaks = _peaks(spectra, maxPeaks=60, minFrequency=20, maxFrequency=3500, orderBy="magnitude")
    whole = _profiles(peaks, tuning, size=36, bandPreset=False, nonLinear=False, windowSize=1)
    sharp = {"harmonics": 8, "bandSplitFrequency": 500, "nonLinear": True, "windowSize": 0.5}
    chords = _profiles(peaks, tuning, size=36, **sharp)
    fine = _profiles(peaks, tuning, size=120, **sharp)
    keys = {profile: _key(profile, _tuned(whole.mean(axis=0))) for profile in PROFILES}
    return {
        "tuning_frequency": tuning,
        "hpcp_crest": _each(_algorithm("Crest"), chords),
        "hpcp_entropy": _each(_algorithm("Entropy"), chords),
        **{f"key_{profile}.strength": key[2] for profile, key in keys.items()},
        **_chords(chords, *keys["temperley"][:2]),
        **_temperament(fine.mean(axis=0)),
    }


def _peaks(spectra: np.ndarray, **options: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Frequencies in Hz and magnitudes of the peaks of each spectrum."""
    algorithm = _algorithm("SpectralPeaks", magnitudeThreshold=1e-5, **options)
    return [algorithm(spectrum) for spectrum in spectra]


def _tuning(spectra: np.ndarray) -> float:
    """The frequency of A4 in Hz, from all frames."""
    algorithm, tuning = _library().TuningFrequency(), 440.0
    options = {"maxPeaks": 10000, "minFrequency": 40, "maxFrequency": 5000}
    for peaks in _peaks(spectra, orderBy="frequency", **options):
        tuning = algorithm(*peaks)[0]
    return tuning


def _profiles(peaks: list, tuning: float, **options: Any) -> np.ndarray:
    """Harmonic pitch class profiles [shape=(n, size)]."""
    limits = {"minFrequency": 20, "maxFrequency": 3500, "weightType": "cosine"}
    algorithm = _library().HPCP(referenceFrequency=tuning, **limits, **options)
    return np.array([algorithm(*frame) for frame in peaks])


def _tuned(pitches: np.ndarray) -> np.ndarray:
    """The mean profile [shape=(36,)] without what is below a fifth of its peak, that on a semitone."""
    pitches = pitches / max(pitches.max(), SILENCE)
    offset = (pitches.argmax() + 1) % 3 - 1
    return np.roll(np.where(pitches < 0.2, 0, pitches), -offset).astype(np.float32)


def _key(profile: str, pitches: np.ndarray) -> tuple[str, str, float, float]:
    """Key, scale, strength and its lead."""
    options = {"numHarmonics": 4, "pcpSize": 36, "slope": 0.6}
    return _algorithm("Key", profileType=profile, **options)(pitches)


def _chords(pitches: np.ndarray, key: str, scale: str) -> dict[str, Any]:
    """Strength of the chords, how many of them are used and how often they change."""
    chords, strength = _library().ChordsDetection()(pitches)
    _, number, changes, *_ = _library().ChordsDescriptors()(chords, key, scale)
    rates = {"chords_number_rate": number, "chords_changes_rate": changes}
    return {"chords_strength": strength, **rates}


def _temperament(pitches: np.ndarray) -> dict[str, float]:
    """How far the mean profile [shape=(120,)] is from a diatonic and an equally tempered scale."""
    pitches = pitches / max(pitches.max(), SILENCE)
    deviation, energy, _ = _algorithm("HighResolutionFeatures")(pitches)
    return {
        "tuning_diatonic_strength": _key("diatonic", pitches)[2],
        "tuning_equal_tempered_deviation": deviation,
        "tuning_nontempered_energy_ratio": energy,
    }
