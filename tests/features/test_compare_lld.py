"""mer.features.compare_lld: openSMILE's own frames in one pass, and signals whose answer is known."""

import numpy as np
import opensmile
import pytest

from mer.features import compare_lld
from mer.types import Clip

RATE = 16000
PARAMS = compare_lld.Params(sample_rate=RATE, peak=0.99)
NAMES = compare_lld.names(PARAMS)
LEVELS = opensmile.FeatureLevel


def voice(hz: float, peak: float = 0.5, seconds: float = 2.0) -> np.ndarray:
    """Ten harmonics that fall off as 1 / n."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * n * hz * time) / n for n in range(1, 11))
    return (peak * wave / np.abs(wave).max()).astype(np.float32)


def extract(samples: np.ndarray) -> dict[str, float]:
    values = compare_lld.extract(Clip("a", samples.astype(np.float32), RATE), PARAMS)
    return dict(zip(NAMES, values, strict=True))


@pytest.fixture(scope="module")
def signal() -> np.ndarray:
    """Notes of two seconds with noise, a pause between them."""
    pause = np.zeros(RATE // 4, np.float32)
    notes = np.concatenate([voice(220, 0.3), pause, voice(330, 0.6)])
    return notes + 0.01 * np.random.default_rng(0).standard_normal(len(notes)).astype(np.float32)


def test_the_names_are_opensmiles():
    assert len(NAMES) == len(set(NAMES)) == 260
    assert NAMES[:2] == ["F0final_sma_amean", "F0final_sma_stddev"]
    assert NAMES[130] == "F0final_sma_de_amean"
    assert NAMES[-1] == "mfcc_sma_de[14]_stddev"


@pytest.mark.parametrize("level", [LEVELS.LowLevelDescriptors, LEVELS.LowLevelDescriptors_Deltas])
def test_they_are_mean_and_deviation_of_the_librarys_own_frames(signal, level):
    smile = opensmile.Smile(opensmile.FeatureSet.IS13, level)
    (rows,) = smile(signal, RATE).astype(float)
    if level == LEVELS.LowLevelDescriptors_Deltas:
        rows = rows[:, :-2]  # beyond the end of the clip
    found = extract(signal)
    means = [found[f"{name}_amean"] for name in smile.feature_names]
    deviations = [found[f"{name}_stddev"] for name in smile.feature_names]
    np.testing.assert_allclose(means, rows.mean(axis=1), rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(deviations, rows.std(axis=1), rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("hz", [110.0, 220.0, 440.0])
def test_the_pitch_of_a_voice_is_found(hz):
    found = extract(voice(hz))
    assert found["F0final_sma_amean"] == pytest.approx(hz, rel=0.03)
    assert found["voicingFinalUnclipped_sma_amean"] > 0.7


def test_noise_has_no_pitch():
    found = extract(np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE))
    assert found["F0final_sma_amean"] == 0
    assert found["voicingFinalUnclipped_sma_amean"] < 0.5


def test_a_pause_counts_as_no_pitch():
    half = np.concatenate([voice(220), np.zeros(2 * RATE)])
    assert extract(half)["F0final_sma_amean"] == pytest.approx(110, rel=0.05)


def test_twice_the_amplitude_is_twice_the_energy_but_the_same_pitch():
    soft, loud = extract(voice(220, 0.2)), extract(voice(220, 0.4))
    energy, auditory = "pcm_RMSenergy_sma_amean", "audspec_lengthL1norm_sma_amean"
    assert loud[energy] == pytest.approx(2 * soft[energy], rel=1e-3)
    assert loud[auditory] == pytest.approx(4**0.33 * soft[auditory], rel=1e-2)
    assert loud["F0final_sma_amean"] == pytest.approx(soft["F0final_sma_amean"], rel=1e-3)


def test_the_deltas_of_a_steady_sound_are_nothing_beside_those_of_a_swelling_one():
    steady = voice(220, 0.5)
    swelling = np.linspace(0, 1, len(steady), dtype=np.float32) * steady
    name = "pcm_RMSenergy_sma_de_amean"
    assert abs(extract(steady)[name]) < 0.1 * extract(swelling)[name]


@pytest.mark.parametrize("seconds", [0.3, 1.0, 10.0])
@pytest.mark.parametrize("kind", ["silence", "noise", "click"])
def test_bad_input_gives_finite_values(kind, seconds):
    samples = np.zeros(round(seconds * RATE))
    if kind == "noise":
        samples = np.random.default_rng(0).uniform(-1, 1, len(samples))
    if kind == "click":
        samples[len(samples) // 2] = 1.0
    assert np.isfinite(list(extract(samples).values())).all()


def test_full_scale_is_no_trap():
    loud, safe = (np.array(list(extract(voice(220, peak)).values())) for peak in (1.0, 0.99))
    np.testing.assert_allclose(loud, safe, rtol=0.01, atol=1e-3)
