"""mer.features.essentia: equal to MusicExtractor, and signals whose answer is known."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr

from mer.features import essentia
from mer.features.essentia import analysis, lowlevel
from mer.types import Clip

RATE = 44100
LOWLEVEL = essentia.Params(sample_rate=RATE, profile="lowlevel")
WIDE = essentia.Params(sample_rate=RATE, profile="wide")
NAMES = essentia.names(WIDE)
STATISTICS = ["mean", "stdev"]


def extract(samples: np.ndarray, params: essentia.Params = LOWLEVEL) -> dict[str, float]:
    values = essentia.extract(Clip("a", samples.astype(np.float32), params.sample_rate), params)
    return dict(zip(essentia.names(params), values, strict=True))


def tone(hz: float, seconds: float = 3.0, peak: float = 0.5, rate: int = RATE) -> np.ndarray:
    return peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def noise(seconds: float, peak: float = 0.5) -> np.ndarray:
    return np.random.default_rng(0).uniform(-peak, peak, round(seconds * RATE))


def song(seconds: float = 12.0, pause: float = 0.0) -> np.ndarray:
    """Chords with vibrato at 120 beats a minute, hi-hats between them, and a pause in their middle."""
    time = np.arange(round(seconds * RATE)) / RATE
    step = 2 ** (np.floor(time) * 5 % 12 / 12)
    phase = np.cumsum(step * (1 + 0.004 * np.sin(2 * np.pi * 5.3 * time))) / RATE
    parts = [(220 * third * part, part) for third in (1, 1.26, 1.4983) for part in range(1, 8)]
    wave = sum(np.sin(2 * np.pi * hz * phase + part) / part**1.3 for hz, part in parts)
    wave = wave * np.exp(-3 * (time % 0.5)) + np.exp(-30 * ((time + 0.25) % 0.5)) * noise(seconds)
    wave[round(5 * RATE) : round((5 + pause) * RATE)] = 0
    return (0.7 * wave / np.abs(wave).max()).astype(np.float32)


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Callable[..., dict[str, float]]:
    """What MusicExtractor says of a signal, asked once for each: it takes seconds."""
    path, known = tmp_path_factory.mktemp("reference") / "a.wav", {}

    def ask(samples: np.ndarray, rate: int = RATE) -> dict[str, float]:
        key = (samples.tobytes(), rate)
        if key not in known:
            sf.write(path, samples, rate, subtype="FLOAT")
            known[key] = music_extractor(path)
        return known[key]

    return ask


def music_extractor(path: Path) -> dict[str, float]:
    """Its scalars, the tonal frames treated like the others."""
    pool, _ = analysis.standard().MusicExtractor(
        lowlevelSilentFrames="drop",
        lowlevelFrameSize=2048,
        lowlevelHopSize=1024,
        lowlevelStats=STATISTICS,
        rhythmStats=STATISTICS,
        tonalSilentFrames="drop",
        tonalStats=STATISTICS,
    )(str(path))
    found = {name: pool[name] for name in pool.descriptorNames()}
    return {name: value for name, value in found.items() if isinstance(value, float)}


def differing(found: dict, expected: dict, names: list[str], tolerance: float = 1e-3) -> dict:
    pairs = {name: (found[name], expected[name]) for name in names}
    return {n: p for n, p in pairs.items() if p[0] != pytest.approx(p[1], rel=tolerance)}


def test_the_names_are_the_scalars_of_music_extractor(reference):
    expected = reference(noise(3))
    scalars = [name for name in expected if name.startswith("lowlevel.")]
    assert essentia.names(LOWLEVEL) == sorted(scalars)
    assert len(scalars) == 84
    assert len(NAMES) == len(set(NAMES)) == 111
    assert NAMES[:84] == essentia.names(LOWLEVEL)
    assert set(NAMES) - set(expected) == {"rhythm.bpm_histogram_first_peak_spread"}


SIGNALS = {
    "song": song,
    "song with a pause": lambda: song(pause=1.7),
    "noise": lambda: noise(3),
    "song above full scale": lambda: 1.8 * song(),
}


@pytest.mark.parametrize("signal", SIGNALS)
def test_the_84_are_those_of_music_extractor(reference, signal):
    samples = SIGNALS[signal]()
    expected = reference(samples)
    assert not differing(extract(samples), expected, essentia.names(LOWLEVEL))


def test_so_they_are_on_real_music(reference, real_data):
    files = sorted((real_data / "emopia200").rglob("*.*"))
    file = next(file for file in files if file.suffix in {".mp3", ".ogg", ".wav", ".flac"})
    samples, rate = sf.read(file, dtype="float32", always_2d=True)
    raised = soxr.resample(samples[: 10 * rate].mean(axis=1), rate, RATE)
    expected = reference(raised)
    assert not differing(extract(raised), expected, essentia.names(LOWLEVEL))


def test_the_wide_ones_are_too(reference):
    """But for the peak that MusicExtractor overwrites, and an onset that OnsetRate's stream has more."""
    expected = reference(song())
    found = extract(song(), WIDE)
    ours = {f"rhythm.bpm_histogram_first_peak_{what}" for what in ("weight", "spread")}
    assert not differing(found, expected, sorted(set(NAMES[84:]) - ours - {"rhythm.onset_rate"}))
    assert found["rhythm.onset_rate"] == pytest.approx(expected["rhythm.onset_rate"], abs=1.1 / 12)


def test_the_tempo_and_the_tuning_are_found():
    found = extract(song(), WIDE)
    assert found["rhythm.bpm"] == pytest.approx(120, rel=0.02)
    assert found["tonal.tuning_frequency"] == pytest.approx(440, rel=0.005)


@pytest.mark.parametrize("hz", [500.0, 2000.0, 6000.0])
def test_a_tone_has_its_frequency_as_centroid_and_rolloff(hz):
    found = extract(tone(hz))
    assert found["lowlevel.spectral_centroid.mean"] == pytest.approx(hz, rel=0.02)
    assert found["lowlevel.spectral_rolloff.mean"] == pytest.approx(hz, abs=RATE / 2048)
    assert found["lowlevel.zerocrossingrate.mean"] == pytest.approx(2 * hz / RATE, rel=0.02)


def test_two_tones_a_quarter_bark_apart_are_rough():
    rough, smooth = extract(tone(440) + tone(465)), extract(tone(440) + tone(880))
    assert rough["lowlevel.dissonance.mean"] > 4 * smooth["lowlevel.dissonance.mean"]


def test_noise_is_flatter_than_a_tone():
    flat, peaked = extract(noise(3)), extract(tone(440))
    name = "lowlevel.barkbands_flatness_db.mean"
    assert flat[name] < 0.3 < 0.6 < peaked[name]
    assert flat["lowlevel.spectral_entropy.mean"] > peaked["lowlevel.spectral_entropy.mean"]


def test_a_gain_moves_the_ebu_loudness_alone():
    soft, loud = extract(0.1 * song()), extract(0.4 * song())
    moved = ["integrated", "momentary.mean", "short_term.mean"]
    for name, value in loud.items():
        raised = any(name == f"lowlevel.loudness_ebu128.{what}" for what in moved)
        expected = soft[name] + (20 * np.log10(4) if raised else 0)
        assert value == pytest.approx(expected, rel=2e-3, abs=1e-6), name


def test_a_lower_rate_is_what_a_file_of_that_rate_has(reference):
    """MusicExtractor raises it to 44.1 kHz as well, with another resampler."""
    low = tone(440, rate=22050) + tone(2500, rate=22050, peak=0.2)
    expected = reference(low.astype(np.float32), 22050)
    found = extract(low, essentia.Params(sample_rate=22050, profile="lowlevel"))
    sure = ["spectral_centroid.mean", "spectral_rolloff.mean", "spectral_energy.mean", "hfc.mean"]
    names = ["lowlevel.loudness_ebu128.integrated", *(f"lowlevel.{name}" for name in sure)]
    assert not differing(found, expected, names, tolerance=0.01)


BAD = {
    "silence": lambda n: np.zeros(n),
    "offset": lambda n: np.full(n, 0.1),
    "noise": lambda n: noise(n / RATE, 1.0),
    "click": lambda n: np.eye(1, n, n // 2)[0],
}


@pytest.mark.parametrize("params", [LOWLEVEL, WIDE], ids=["lowlevel", "wide"])
@pytest.mark.parametrize("seconds", [0.3, 1.0])
@pytest.mark.parametrize("kind", BAD)
def test_bad_input_gives_the_same_finite_values_twice(kind, seconds, params):
    samples = BAD[kind](round(seconds * RATE))
    first = extract(samples, params)
    assert np.isfinite(list(first.values())).all()
    assert extract(samples, params) == first


def test_a_statistic_over_no_frame_is_0():
    found = extract(np.zeros(RATE), WIDE)
    framed = [name for name in NAMES if name.startswith("tonal.")]
    framed += [f"lowlevel.{name}.{what}" for name in lowlevel.SPECTRAL for what in STATISTICS]
    assert len(framed) == 76 + 15
    assert not any(found[name] for name in framed)
    assert found["lowlevel.loudness_ebu128.integrated"] == -70


def test_the_import_writes_nothing():
    """Essentia writes a line on its classifiers while its algorithms are imported."""
    command = [sys.executable, "-c", "from mer.dsp.essentia import essentia; essentia()"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
