"""Every transform of mer.augment, with the parameters that params.yaml gives it."""

import json

import numpy as np
import pytest

from conftest import ROOT
from mer import config, registry
from mer.augment import pitch_shift, power_shift, time_shift, time_stretch
from mer.seeds import generator
from mer.vocoder import stretch

RATE = 16000
NAMES = registry.names("augment")
(POLICIES,) = config.read("policies", path=ROOT / "params.yaml")
PARAMS = {
    step.transform: step.params
    for policy in POLICIES.values()
    for chain in policy.copies.values()
    for step in chain
}
NOISE = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32) / 4
TONE = np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE).astype(np.float32)
SIGNALS = {
    "silence": np.zeros(RATE, np.float32),
    "noise": NOISE,
    "tone": TONE,
    "overshoot": 3 * NOISE,
    "offset": np.ones(RATE, np.float32),
    "one sample": np.ones(1, np.float32),
    "no multiple of a hop": NOISE[:12345],
}


def draw(name, key=0):
    return registry.get("augment", name).draw(generator(1, name, key), PARAMS[name])


def pitch(x):
    """The strongest frequency in Hz, to half a Hz."""
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 2 * RATE))
    return spectrum.argmax() / 2


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_uses_it(name):
    assert name in PARAMS


@pytest.mark.parametrize("name", NAMES)
def test_a_key_decides_the_draw(name):
    draws = [json.dumps(draw(name, key)) for key in range(30)]
    assert draws == [json.dumps(draw(name, key)) for key in range(30)]
    assert len(set(draws)) > 1


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("name", NAMES)
def test_length_type_and_input_stay(name, signal):
    x, module = SIGNALS[signal], registry.get("augment", name)
    before = x.copy()
    for key in range(3):
        y = module.apply(x, RATE, **draw(name, key))
        assert y.shape == x.shape
        assert y.dtype == np.float32
        assert np.isfinite(y).all()
        assert not np.shares_memory(x, y)
        assert (y == module.apply(x, RATE, **draw(name, key))).all()
    assert (x == before).all()


@pytest.mark.parametrize("name", NAMES)
def test_noise_comes_out_different(name):
    assert (registry.get("augment", name).apply(NOISE, RATE, **draw(name)) != NOISE).any()


@pytest.mark.parametrize("name", NAMES)
def test_silence_stays_silent(name):
    assert not registry.get("augment", name).apply(SIGNALS["silence"], RATE, **draw(name)).any()


@pytest.mark.parametrize("seconds", [-0.75, -0.1, 0.0, 0.25, 0.6])
def test_time_shift_moves_a_click_by_that_much(seconds):
    x = np.zeros(2 * RATE, np.float32)
    x[RATE] = 1
    y = time_shift.apply(x, RATE, seconds)
    assert np.flatnonzero(y).tolist() == [RATE + seconds * RATE]


@pytest.mark.parametrize(
    ("seconds", "silent"), [(0.5, slice(RATE // 2)), (-0.5, slice(-8000, None))]
)
def test_time_shift_leaves_silence(seconds, silent):
    y = time_shift.apply(NOISE, RATE, seconds)
    assert not y[silent].any()
    assert np.count_nonzero(y) == np.count_nonzero(NOISE) - RATE // 2


@pytest.mark.parametrize("seconds", [-5.0, 5.0])
def test_time_shift_beyond_the_clip_leaves_nothing(seconds):
    assert not time_shift.apply(NOISE, RATE, seconds).any()


@pytest.mark.parametrize(
    ("module", "block", "key", "limit"),
    [
        (time_shift, {"max_seconds": 5.0}, "seconds", 5.0),
        (power_shift, {"max_db": 10.0}, "db", 10.0),
    ],
)
def test_uniform_draws_fill_their_range(module, block, key, limit, rng):
    params = module.Params(**block)
    drawn = np.array([module.draw(rng, params)[key] for _ in range(4000)])
    quarters = np.histogram(drawn, 4, (-limit, limit))[0]
    assert quarters.sum() == 4000
    assert (abs(quarters - 1000) < 130).all()


@pytest.mark.parametrize(
    ("module", "block", "key", "choices"),
    [
        (pitch_shift, {"semitones": [-2.0, 2.0]}, "semitones", {-2.0, 2.0}),
        (pitch_shift, {"semitones": [2.0]}, "semitones", {2.0}),
        (time_stretch, {"speeds": [0.5, 1.5]}, "speed", {0.5, 1.5}),
    ],
)
def test_choices_have_an_equal_chance(module, block, key, choices, rng):
    params = module.Params(**block)
    drawn = [module.draw(rng, params)[key] for _ in range(2000)]
    assert set(drawn) == choices
    assert all(abs(drawn.count(c) / 2000 - 1 / len(choices)) < 0.05 for c in choices)


@pytest.mark.parametrize(("semitones", "hertz"), [(2, 493.9), (-2, 392.0), (12, 880), (0, 440)])
def test_pitch_shift_moves_a_tone(semitones, hertz):
    assert pitch(pitch_shift.apply(TONE, RATE, semitones)) == pytest.approx(hertz, rel=0.01)


@pytest.mark.parametrize("semitones", [2, -2])
def test_pitch_shift_keeps_time_and_level(semitones):
    first_half = np.where(np.arange(2 * RATE) < RATE, TONE, np.float32(0))
    y = pitch_shift.apply(first_half, RATE, semitones)
    assert y[2000 : RATE - 2000].std() == pytest.approx(TONE.std(), rel=0.1)
    assert y[RATE + 2000 :].std() < 1e-3


@pytest.mark.parametrize(("speed", "hertz"), [(1.5, 3.0), (0.5, 1.0)])
def test_time_stretch_changes_the_tempo(speed, hertz):
    """A tremolo of 2 Hz on the tone."""
    swell = 1 + np.sin(2 * np.pi * 2 * np.arange(12 * RATE) / RATE)
    x = (np.tile(TONE, 6) * swell).astype(np.float32)
    energy = time_stretch.apply(x, RATE, speed)[: 8 * RATE] ** 2
    low = np.abs(np.fft.rfft(energy - energy.mean()))[: 8 * 100]
    assert low.argmax() / 8 == hertz


@pytest.mark.parametrize("speed", [1.5, 0.5])
def test_time_stretch_keeps_the_pitch(speed):
    assert pitch(time_stretch.apply(TONE, RATE, speed)) == pytest.approx(440, rel=0.005)


def test_a_faster_clip_ends_in_silence():
    y = time_stretch.apply(NOISE, RATE, 1.5)
    end = round(len(NOISE) / 1.5)
    assert not y[end:].any()
    assert y[end - 2000 : end].std() > 0.5 * NOISE.std()


@pytest.mark.parametrize(("db", "factor"), [(20 * np.log10(2), 2), (-20.0, 0.1), (0.0, 1)])
def test_power_shift_is_a_gain_without_clipping(db, factor):
    assert power_shift.apply(TONE, RATE, db) == pytest.approx(factor * TONE, rel=1e-6)


@pytest.mark.parametrize("speed", [0.5, 0.89, 1.0, 1.5])
def test_vocoder_equals_librosa(speed):
    """librosa in double precision: its single loses the phase after some hundred frames."""
    from librosa.effects import time_stretch as reference

    expected = reference(NOISE.astype(float), rate=speed)
    y = stretch(NOISE, speed)
    assert len(y) == len(expected)
    assert y == pytest.approx(expected, abs=2e-3)


def test_vocoder_at_the_same_speed_changes_nothing():
    assert stretch(NOISE, 1.0) == pytest.approx(NOISE, abs=1e-5)
