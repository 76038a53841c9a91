"""Meters, models of hearing and spectra of the 1714 features, on signals with known answers."""

import numpy as np
import pytest

from mer.features.panda1714.dimensions import dynamics
from mer.features.panda1714.signal import level, loudness, tempo
from mer.features.panda1714.signal.cache import HOP_10MS, SignalCache

RATE = 22050
MGB = "PsySound/Loudness (MG & B PsySound2) -"
VARYING = "PsySound/Loudness (Moore, Glasberg and Baer) -"


def sine(frequency, seconds=3.0, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


def cache(samples):
    return SignalCache(np.asarray(samples, np.float32), RATE)


def amplitude(samples):
    """That of a steady sine, behind the onset."""
    return np.sqrt(2 * np.mean(samples[RATE:] ** 2))


def test_the_rlb_filter_has_its_quality_factor_as_gain_at_its_frequency():
    assert amplitude(level.rlb_weighted(sine(38.13547), RATE)) == pytest.approx(0.5003, abs=0.005)
    assert amplitude(level.rlb_weighted(sine(1000), RATE)) == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize(
    ("frequency", "decibels"), [(1000, 0.0), (100, -19.1), (31.62, -39.4), (8000, -1.1)]
)
def test_the_a_curve_is_that_of_iec_61672(frequency, decibels):
    found = 20 * np.log10(level.a_weighting(np.array([frequency])))
    assert found == pytest.approx(decibels, abs=0.1)


@pytest.mark.parametrize(("time", "seconds"), [("Fast", 0.125), ("Slow", 1.0)])
def test_a_level_meter_falls_by_its_time_constant_after_a_burst(time, seconds):
    burst = np.concatenate([sine(500, 2.0), np.zeros(3 * RATE)])
    found = level.exponential(burst, RATE, level.TIMES[time])
    per_second = RATE / level.BLOCK
    start, count = round(2.2 * per_second), round(0.5 * per_second)
    fall = found[start] - found[start + count]
    assert fall == pytest.approx(10 / np.log(10) / seconds * count / per_second, rel=1e-3)


def test_the_equivalent_level_is_that_of_each_second_every_half_second():
    found = level.equivalent(sine(500, 5.0, 0.5), RATE)
    assert found == pytest.approx(np.full(9, 10 * np.log10(0.125)), abs=0.01)


def test_a_power_of_1_has_90_decibels_of_sound_pressure_before_the_ear():
    power = np.zeros((1, 1025))
    power[0, round(1000 / RATE * 2048)] = 1
    ear = 10 * np.log10(loudness.ear_gain(np.array(1000.0)))
    for excited in (loudness.excitation(power, RATE), loudness.bark_bands(power, RATE)):
        assert 10 * np.log10(excited.max()) == pytest.approx(90 + ear, abs=0.5)


def test_ten_decibels_more_are_twice_as_loud():
    """Of a tone of 1 kHz well above the threshold, as the sone is defined."""
    power = np.zeros((2, 1025))
    power[:, round(1000 / RATE * 2048)] = 1e-4, 1e-3
    moore = loudness.specific(loudness.excitation(power, RATE)).sum(axis=1)
    assert moore[1] / moore[0] == pytest.approx(2, rel=0.2)
    zwicker = loudness.main_loudness(loudness.bark_bands(power, RATE)).sum(axis=1)
    assert zwicker[1] / zwicker[0] == pytest.approx(2, rel=0.2)


def test_phons_are_those_of_the_sones():
    """ISO 532-1: 40 phons are one sone, 10 more double it; below, 40 (N + 0.0005)^0.35."""
    found = loudness.phons(np.array([1.0, 2.0, 8.0, 0.5, 0.0]))
    below = [40 * 0.5005**0.35, 40 * 0.0005**0.35]
    assert found == pytest.approx([40, 50, 70, *below])


@pytest.mark.parametrize(("place", "weight"), [(10.0, 1), (15.5, 1), (20.0, 0.066 * np.exp(3.42))])
def test_sharpness_after_zwicker_rises_with_the_place_and_faster_above_16_bark(place, weight):
    found = loudness.sharpness(np.array([[3.0]]), np.array([place]), np.array([1.0]))
    assert found["zwicker"] == pytest.approx([0.11 * place * weight])


def test_fluctuation_is_weighted_most_at_4_hertz():
    """Fastl's weighting of a modulation of f Hz is 1 / (f / 4 + 4 / f)."""
    rate, times = 100.0, np.arange(1000) / 100
    found = {}
    for modulation in (1.0, 4.0, 8.0):
        power = np.zeros((len(times), 1025))
        power[:, 93] = 10 ** (np.sin(2 * np.pi * modulation * times) - 3)
        found[modulation] = tempo.fluctuation(power, RATE, rate).max()
    assert found[1.0] / found[4.0] == pytest.approx(2 / (0.25 + 4), rel=1e-3)
    assert found[8.0] / found[4.0] == pytest.approx(2 / (2 + 0.5), rel=1e-3)


def test_frames_are_as_long_and_as_far_apart_as_their_programs_have_them():
    clip = cache(sine(440, 2.0))
    samples = len(clip.samples)
    assert clip.psysound.shape == (1 + (samples - 4096) // 2048, 2049)
    assert clip.mir.shape == (1 + (samples - 1102) // 551, 1025)
    assert clip.marsyas.shape == (samples // 512, 257)


def test_a_frame_of_10_ms_is_centred_on_its_time():
    impulse = np.zeros(RATE)
    impulse[50 * HOP_10MS] = 1
    power = cache(impulse).power_10ms.sum(axis=1)
    assert power.argmax() == 50
    assert power[48] == pytest.approx(power[52], rel=0.1)


def test_linear_prediction_is_of_the_pre_emphasized_signal():
    """White noise, pre-emphasized by 1 - 0.97 / z, is predicted from the opposite of what came before."""
    noise = np.random.default_rng(0).normal(size=20 * RATE) / 10
    assert cache(noise).predictors[:, 1].mean() == pytest.approx(0.95, abs=0.1)


def test_the_low_energy_rate_is_of_the_frames_below_the_mean_of_the_root_mean_squares():
    """A third of the frames lies above the mean of the amplitudes and below that of the energies."""
    tone = sine(440, 2.0)
    found = dynamics.standard(cache(np.concatenate([0 * tone, 0 * tone, 0.45 * tone, tone])))
    assert found["MIR Toolbox/Low Energy Rate"] == pytest.approx(0.5, abs=0.01)


def test_noise_is_wider_than_a_tone():
    noise = np.random.default_rng(0).normal(size=RATE) / 10
    of_noise, of_tone = (
        np.median(dynamics.standard(cache(x))[f"{MGB} Timbral Width"])
        for x in (noise, sine(1000, 1.0))
    )
    assert of_noise > 2 * of_tone > 2


def test_long_term_loudness_rises_faster_than_it_falls():
    burst = np.concatenate([np.zeros(RATE), sine(1000, 1.0, 0.3), np.zeros(2 * RATE)])
    found = dynamics.standard(cache(burst))
    instant, long = (found[f"{VARYING} {name} Loudness"] for name in ("Instantaneous", "Long-term"))
    assert len(long) == len(burst) // HOP_10MS + 1
    inside, after, later = (round(at * RATE / HOP_10MS) for at in (1.5, 2.5, 3.5))
    assert long[inside] == pytest.approx(instant[inside], abs=1)
    assert long[after] - long[later] == pytest.approx(10 * np.log2(np.e) / 2, abs=0.1)
