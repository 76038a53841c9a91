"""mer.features.panda1714: separation, layers and texture, voice, fractal dimension, on known signals."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from mer.features.panda1714.dimensions import texture, voice
from mer.features.panda1714.signal import fractal, layers, separation, srh

RATE = 22050
FAMILIES: dict[str, Callable[[np.ndarray], dict[str, float]]] = {
    "TEXTURE": lambda samples: texture.novel(layers.count(samples, RATE)),
    "VAT": lambda samples: voice.novel(samples, RATE),
    "FRACTAL": lambda samples: fractal.novel(samples, RATE),
}


def times(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * RATE)) / RATE


def tone(midi: float, seconds: float = 1.0) -> np.ndarray:
    """Eight partials, each weaker than the one before."""
    hz = 440 * 2 ** ((midi - 69) / 12)
    parts = (0.8**n * np.sin(2 * np.pi * n * hz * times(seconds) + n**2) for n in range(1, 9))
    return 0.05 * sum(parts).astype(np.float32)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (0.1 * draw).astype(np.float32)


def glottal(hz: float, seconds: float = 1.0) -> np.ndarray:
    """Pulses with the spectrum of a glottis, through the formants of a vowel."""
    count = int(9000 / hz)
    wave = sum(np.cos(2 * np.pi * n * hz * times(seconds)) / n for n in range(1, count))
    for formant, width in ((700, 80), (1200, 100), (2600, 150)):
        radius = np.exp(-np.pi * width / RATE)
        poles = [1, -2 * radius * np.cos(2 * np.pi * formant / RATE), radius**2]
        wave = 0.2 * wave + lfilter([1 - radius], poles, wave)
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)


def loop(seconds: float) -> np.ndarray:
    """Four bass notes and clicks, every two seconds the same."""
    beat = times(0.5)
    clicks = np.exp(-beat * 200) * np.random.default_rng(1).standard_normal(len(beat))
    notes = [
        sum(np.sin(2 * np.pi * n * hz * beat) / n for n in range(1, 8)) * np.exp(-3 * beat) + clicks
        for hz in (110, 131, 147, 98)
    ]
    return np.resize(np.concatenate(notes), round(seconds * RATE))


def singing(seconds: float) -> np.ndarray:
    """Half a second a note, with a vibrato of 6 Hz and 50 cents."""
    midi = np.random.default_rng(2).integers(57, 69, round(2 * seconds)).repeat(RATE // 2)
    midi = np.resize(midi, round(seconds * RATE)) + 0.5 * np.sin(2 * np.pi * 6 * times(seconds))
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((midi - 69) / 12)) / RATE
    return sum(np.sin(n * phase) / n for n in range(1, 8))


@pytest.fixture(scope="module")
def mixture() -> tuple[np.ndarray, np.ndarray]:
    """A voice over a loop of the same power, and that voice."""
    background, sung = loop(15), singing(15)
    sung *= np.sqrt((background**2).mean() / (sung**2).mean())
    return tuple((0.05 * part).astype(np.float32) for part in (background + sung, sung))


def distortion(truth: np.ndarray, found: np.ndarray) -> float:
    """Signal to distortion ratio in dB."""
    return 10 * np.log10((truth**2).sum() / ((found - truth) ** 2).sum())


def test_the_voice_gains_over_a_loop(mixture):
    mixed, sung = mixture
    found = separation.SEPARATORS["repet_sim"](mixed, RATE)
    assert distortion(sung, mixed) == pytest.approx(0, abs=0.5)
    assert distortion(sung, found) > distortion(sung, mixed) + 2
    assert found.dtype == np.float32
    assert len(found) == len(mixed)


def test_a_separation_can_be_repeated_and_follows_the_level(mixture):
    mixed, _ = mixture
    found = separation.SEPARATORS["repet_sim"](mixed, RATE)
    np.testing.assert_array_equal(found, separation.SEPARATORS["repet_sim"](mixed, RATE))
    soft = separation.SEPARATORS["repet_sim"](mixed / 4, RATE)
    np.testing.assert_allclose(soft, found / 4, atol=1e-6)


def test_blocks_of_frames_change_no_sample(mixture, monkeypatch):
    mixed, _ = mixture
    found = separation.SEPARATORS["repet_sim"](mixed, RATE)
    monkeypatch.setattr(separation, "BLOCK", 7)
    np.testing.assert_array_equal(separation.SEPARATORS["repet_sim"](mixed, RATE), found)


def test_what_only_repeats_leaves_little_voice():
    background = loop(10).astype(np.float32)
    found = separation.SEPARATORS["repet_sim"](background, RATE)
    assert (found**2).sum() < 0.1 * (background**2).sum()


def test_without_a_mask_the_frames_add_up_to_the_signal():
    signal = noise(0.7)
    again = separation._signal(separation._spectra(signal), len(signal))
    np.testing.assert_allclose(again, signal, atol=1e-6)


@pytest.mark.parametrize("separator", ["none", "repet_sim"])
@pytest.mark.parametrize("seconds", [0.3, 1.5])
def test_silence_and_length_stay(separator, seconds):
    silence = np.zeros(round(seconds * RATE), np.float32)
    np.testing.assert_array_equal(separation.SEPARATORS[separator](silence, RATE), silence)
    found = separation.SEPARATORS[separator](noise(seconds), RATE)
    assert found.shape == silence.shape
    assert np.isfinite(found).all()


def test_no_separation_is_the_mixture():
    np.testing.assert_array_equal(separation.SEPARATORS["none"](noise(1), RATE), noise(1))


def chord(size: int, seed: int) -> np.ndarray:
    """Tones of C3 to G5, none at an octave, a twelfth or two octaves from another."""
    draw = np.random.default_rng([size, seed])
    while True:
        pitches = draw.choice(np.arange(48, 80), size, replace=False)
        if not np.isin(np.abs(pitches[:, None] - pitches), (12, 19, 24, 28, 31)).any():
            return sum(tone(pitch) for pitch in pitches)


@pytest.mark.parametrize(("size", "tolerance"), [(1, 0.1), (2, 0.2), (3, 0.6), (4, 0.8)])
def test_layers_are_the_tones_of_a_chord(size, tolerance):
    counts = [layers.count(chord(size, seed), RATE)[4:-4].mean() for seed in range(6)]
    assert np.mean(counts) == pytest.approx(size, abs=tolerance)


def test_noise_and_silence_have_no_layers():
    assert not layers.count(noise(3), RATE).any()
    assert not layers.count(np.zeros(RATE, np.float32), RATE).any()


def test_a_floor_of_noise_between_tones_has_no_layers():
    floor = 0.005 * noise(2)
    signal = np.concatenate([tone(60, 2.0), np.zeros(2 * RATE, np.float32)])
    counts = layers.count(signal + np.tile(floor, 2), RATE)
    half = len(counts) // 2
    assert set(counts[4 : half - 5]) == {1}
    assert not counts[half + 5 :].any()


def test_texture_of_a_known_sequence():
    found = texture.novel(np.repeat([0, 1, 2, 5, 3, 1], [10, 20, 30, 5, 15, 20]))
    seconds = 100 * layers.STEP
    assert found["TEXTURE-Musical Layers (Mean)"] == pytest.approx(1.7)
    assert found["TEXTURE-Musical Layers (Max)"] == 5
    shares = [v for name, v in found.items() if name.endswith("(Percentage)")]
    assert shares == pytest.approx([0.1, 0.4, 0.3])
    steps = {name for name, v in found.items() if "State Transitions" in name and v}
    pairs = ("ML0 -> ML1", "ML1 -> ML2", "ML2 -> ML3", "ML3 -> ML1")
    assert steps == {f"TEXTURE-State Transitions {pair} (Per Sec)" for pair in pairs}
    changes = found["TEXTURE-Transitions to Different ML State (Per Sec)"]
    assert changes == pytest.approx(4 / seconds)
    longest = [found[f"TEXTURE-Longest Sequence of ML{n} (in secs)"] for n in range(4)]
    assert longest == pytest.approx(np.array([10, 20, 30, 20]) * layers.STEP)


@pytest.mark.parametrize("hz", [90, 150, 250, 400])
def test_a_glottis_is_voiced_at_its_pitch(hz):
    frames = srh.analyse(srh.residual(glottal(hz), RATE))
    assert frames.voiced.mean() > 0.98
    assert np.median(frames.pitch) == pytest.approx(hz, rel=0.01)


def test_noise_and_silence_are_unvoiced():
    assert srh.analyse(srh.residual(noise(3), RATE)).voiced.mean() < 0.05
    silence = srh.analyse(srh.residual(np.zeros(RATE), RATE))
    assert not silence.voiced.any()
    assert not silence.srh.any()


def test_prediction_leaves_the_pulses_of_a_resonance():
    pulses = np.zeros(srh.RATE)
    pulses[200::160] = 1
    ringing = lfilter([1], [1, -1.6, 0.8], pulses)
    found = srh.residual(ringing, srh.RATE)
    loudest = np.sort(np.argsort(-np.abs(found))[: pulses.astype(bool).sum()])
    assert np.isin(loudest, np.flatnonzero(pulses)).mean() > 0.9


def test_sections_of_voice_have_their_durations():
    parts = [glottal(150), 0.1 * noise(0.5), glottal(150, 2.0), 0.1 * noise(1.5)]
    found = voice.novel(np.concatenate(parts), RATE)
    assert found["VAT-Voice Sections Duration (Max)"] == pytest.approx(2.0, abs=0.15)
    assert found["VAT-Silence Sections Duration (Max)"] == pytest.approx(1.5, abs=0.15)


def test_segments_are_counted_by_whole_intervals():
    begun = np.array([[0, 10], [400, 450], [520, 600], [1010, 1020], [1100, 1110]])
    np.testing.assert_array_equal(voice._per_interval(begun, 12.0), [2, 3])
    np.testing.assert_array_equal(voice._per_interval(begun[:1], 0.3), [1])


def test_single_pulses_are_creakier_than_a_voice():
    creaky, modal = (voice.novel(glottal(hz), RATE) for hz in (28, 150))
    name = "VAT-Probability of Creaky Voice (Mean)"
    assert creaky[name] > modal[name] + 0.2
    assert creaky["VAT-Creaky Voice Presence"] == 1


def test_higuchi_of_curves_whose_dimension_is_known():
    white = np.random.default_rng(0).standard_normal((4, 20000))
    np.testing.assert_allclose(fractal.higuchi(white), 2.0, atol=0.02)
    np.testing.assert_allclose(fractal.higuchi(white.cumsum(axis=1)), 1.5, atol=0.03)
    line, constant = np.linspace(0, 1, 3000)[None], np.ones((1, 3000))
    assert fractal.higuchi(line)[0] == pytest.approx(1.0)
    assert fractal.higuchi(constant)[0] == 0


@pytest.mark.parametrize("size", [1, 10, 64])
def test_a_few_samples_have_no_dimension(size):
    assert set(fractal.novel(noise(1)[:size], RATE).values()) == {0.0}


def test_noise_is_rougher_than_a_tone():
    name = "FRACTAL-Fractal Dimension (Global)"
    rough, smooth = (fractal.novel(x, RATE)[name] for x in (noise(3), tone(45, 3.0)))
    assert rough > 1.95
    assert 1 < smooth < rough - 0.2


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seconds", [0.3, 10.0])
@pytest.mark.parametrize("kind", ["silence", "noise", "click"])
def test_bad_input_gives_finite_values(family, kind, seconds):
    samples = noise(seconds) if kind == "noise" else np.zeros(round(seconds * RATE), np.float32)
    if kind == "click":
        samples[len(samples) // 2] = 1.0
    assert np.isfinite(list(FAMILIES[family](samples).values())).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_level_does_not_matter(family, mixture):
    mixed = mixture[0] + 0.01 * noise(15)
    loud, soft = (FAMILIES[family](gain * mixed) for gain in (1, np.float32(10**-0.5)))
    assert soft == pytest.approx(loud, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_published_column_is_there(family, real_data):
    table = pd.read_csv(real_data / "4qaed_tables" / "catalogue_1714.csv")
    published = set(table.name[table.family == family])
    assert published
    assert published <= set(FAMILIES[family](noise(1)))
