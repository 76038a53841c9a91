"""Every transform of mer.augment, with the parameters that params.yaml gives it."""

import json
import random

import numpy as np
import pytest

from conftest import ROOT
from mer import config, registry
from mer.augment import (
    band_stop,
    pitch_shift,
    power_shift,
    seven_band_eq,
    time_mask,
    time_shift,
    time_stretch,
)
from mer.errors import MerError
from mer.seeds import generator

RATE = 16000
NAMES = registry.names("augment")
(POLICIES,) = config.read("policies", path=ROOT / "params.yaml")
PARAMS = {
    step.transform: step.params
    for policy in POLICIES.values()
    for chain in policy.versions.values()
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
    return registry.get("augment", name).sample_parameters(generator(1, name, key), PARAMS[name])


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
    assert len(set(draws)) > 1 or not PARAMS[name].model_dump()


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
def test_noise_comes_out_different_with_some_draws(name):
    apply = registry.get("augment", name).apply
    assert any((apply(NOISE, RATE, **draw(name, key)) != NOISE).any() for key in range(20))


@pytest.mark.parametrize("name", NAMES)
def test_global_generators_are_left_alone(name):
    before = random.getstate(), np.random.get_state()[1].tolist()
    registry.get("augment", name).apply(NOISE, RATE, **draw(name))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


@pytest.mark.parametrize(
    "name",
    [
        "band_stop",
        "pitch_shift",
        "power_shift",
        "seven_band_eq",
        "time_mask",
        "time_shift",
        "time_stretch",
    ],
)
def test_transforms_that_add_nothing_leave_silence(name):
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


@pytest.mark.parametrize("seconds", [100.0, -100.0])
def test_time_shift_keeps_half_of_a_clip_that_is_shorter(seconds):
    y, half = time_shift.apply(NOISE, RATE, seconds), len(NOISE) // 2
    kept, silent = (y[half:], y[:half]) if seconds > 0 else (y[:-half], y[-half:])
    assert np.array_equal(kept, NOISE[: len(kept)] if seconds > 0 else NOISE[half:])
    assert not silent.any()


BAND_STOP = {"center_freq": [200.0, 4000.0], "bandwidth_fraction": [0.5, 1.99], "order": [2, 4]}


@pytest.mark.parametrize(
    ("module", "block", "key", "limits"),
    [
        (time_shift, {"max_seconds": 5.0}, "seconds", (-5, 5)),
        (power_shift, {"max_gain_db": 10.0}, "gain_db", (-10, 10)),
        (time_mask, {"band_part": [0.1, 0.5]}, "band_part", (0.1, 0.5)),
        (time_mask, {"band_part": [0.1, 0.5]}, "position", (0, 1)),
        (band_stop, BAND_STOP, "bandwidth_fraction", (0.5, 1.99)),
    ],
)
def test_uniform_draws_fill_their_range(module, block, key, limits, rng):
    params = module.Params(**block)
    drawn = np.array([module.sample_parameters(rng, params)[key] for _ in range(4000)])
    quarters = np.histogram(drawn, 4, limits)[0]
    assert quarters.sum() == 4000
    assert (abs(quarters - 1000) < 130).all()


@pytest.mark.parametrize(
    ("module", "block", "key", "choices"),
    [
        (pitch_shift, {"semitones": [-2.0, 2.0]}, "semitones", {-2.0, 2.0}),
        (pitch_shift, {"semitones": [2.0]}, "semitones", {2.0}),
        (time_stretch, {"rates": [0.5, 1.5]}, "rate", {0.5, 1.5}),
        (band_stop, BAND_STOP, "order", {2, 3, 4}),
    ],
)
def test_choices_have_an_equal_chance(module, block, key, choices, rng):
    params = module.Params(**block)
    drawn = [module.sample_parameters(rng, params)[key] for _ in range(2000)]
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


@pytest.mark.parametrize(
    ("module", "nothing"), [(time_stretch, {"rate": 1.0}), (pitch_shift, {"semitones": 0.0})]
)
def test_phases_do_not_drift(module, nothing):
    """In float32, librosa's phases would be off by 0.04 after ten seconds."""
    x = np.tile(NOISE, 5)
    assert module.apply(x, RATE, **nothing) == pytest.approx(x, abs=1e-6)


def mel(hertz):
    return 2595 * np.log10(1 + np.array(hertz) / 700)


def gain_db(module, frequency, **drawn):
    """By how many dB a tone comes out louder, once the filter has settled."""
    tone = np.sin(2 * np.pi * frequency * np.arange(4 * RATE) / RATE).astype(np.float32)
    settled = module.apply(tone, RATE, **drawn)[2 * RATE :]
    return 20 * np.log10(max(settled.std() / tone.std(), 1e-9))


@pytest.mark.parametrize(
    ("part", "place", "span"),
    [
        (0.25, 0.0, (0, 8000)),
        (0.25, 1.0, (24000, 32000)),
        (0.5, 0.5, (8000, 24000)),
        (0.0, 0.5, (0, 0)),
        (1.0, 0.3, (0, 32000)),
    ],
)
def test_time_mask_silences_its_span_and_only_it(part, place, span):
    expected = NOISE.copy()
    expected[slice(*span)] = 0
    assert (time_mask.apply(NOISE, RATE, part, place) == expected).all()


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("frequency", [250, 1000, 1400, 1500, 2000, 2500, 4000, 7000])
def test_band_stop_is_a_butterworth_filter(frequency, order):
    """1500 to 2500 Hz: its definition, after the bilinear transform."""
    low, high, at = np.tan(np.pi * np.array([1500, 2500, frequency]) / RATE)
    distance = (high - low) * at / (low * high - at**2)
    expected = -10 * np.log10(1 + distance ** (2 * order))
    found = gain_db(band_stop, frequency, center_freq=2000.0, bandwidth_fraction=0.5, order=order)
    assert found == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(("order", "at_most"), [(2, -40), (3, -60), (4, -80)])
def test_band_stop_removes_its_centre_and_keeps_what_is_far(order, at_most):
    drawn = {"center_freq": 2000.0, "bandwidth_fraction": 0.5, "order": order}
    assert gain_db(band_stop, 2000, **drawn) < at_most
    assert gain_db(band_stop, 500, **drawn) == pytest.approx(0, abs=0.05)
    assert gain_db(band_stop, 6000, **drawn) == pytest.approx(0, abs=0.05)


def test_band_stop_reaches_to_the_nyquist_frequency_at_most():
    assert gain_db(band_stop, 7500, center_freq=6000.0, bandwidth_fraction=1.0, order=4) < -30
    assert gain_db(
        band_stop, 1000, center_freq=6000.0, bandwidth_fraction=1.0, order=4
    ) == pytest.approx(0, abs=0.1)
    assert (
        band_stop.apply(NOISE, 1000, center_freq=4000.0, bandwidth_fraction=0.5, order=2) == NOISE
    ).all()


def test_band_stop_centres_are_uniform_in_mel(rng):
    params = band_stop.Params(**BAND_STOP)
    drawn = mel([band_stop.sample_parameters(rng, params)["center_freq"] for _ in range(4000)])
    quarters = np.histogram(drawn, 4, mel([200, 4000]))[0]
    assert quarters.sum() == 4000
    assert (abs(quarters - 1000) < 130).all()


CENTRES = [60.0, 150.0, 300.0, 600.0, 1400.0, 3000.0, 6000.0]


@pytest.mark.parametrize("db", [12.0, -12.0])
@pytest.mark.parametrize(
    ("band", "frequency", "part"),
    [
        (0, 5, 1),
        (0, 60, 0.5),
        *[(b, CENTRES[b], 1) for b in range(1, 6)],
        (6, 6000, 0.5),
        (6, 7990, 1),
    ],
)
def test_a_band_of_the_equalizer_has_its_gain(band, frequency, part, db):
    """A peak at its centre; a shelf at its end, and half of it in dB at its centre."""
    gains = [db if b == band else 0.0 for b in range(7)]
    found = gain_db(
        seven_band_eq, frequency, center_freq=CENTRES, gain_db=gains, q_factor=[0.7] * 7
    )
    assert found == pytest.approx(part * db, abs=0.3)


def test_an_equalizer_without_gains_changes_nothing():
    y = seven_band_eq.apply(NOISE, RATE, center_freq=CENTRES, gain_db=[0.0] * 7, q_factor=[0.7] * 7)
    assert y == pytest.approx(NOISE, abs=1e-5)


@pytest.mark.parametrize("rate", [8000, 4000])
def test_bands_of_the_equalizer_above_the_nyquist_frequency_do_no_harm(rate):
    y = seven_band_eq.apply(
        NOISE, rate, center_freq=CENTRES, gain_db=[12.0] * 7, q_factor=[0.7] * 7
    )
    assert np.abs(y).max() < 10


def test_draws_of_the_equalizer_lie_in_their_bands(rng):
    drawn = [
        seven_band_eq.sample_parameters(rng, seven_band_eq.Params(max_gain_db=12.0))
        for _ in range(2000)
    ]
    for key, bounds in [("center_freq", seven_band_eq.CENTER_FREQ), ("q_factor", seven_band_eq.Q)]:
        values = np.array([d[key] for d in drawn])
        low, high = np.array(bounds).T
        assert (values.min(0) >= low).all()
        assert (values.max(0) <= high).all()
        assert (np.ptp(values, 0) > 0.98 * (high - low)).all()
    gains = np.array([d["gain_db"] for d in drawn])
    assert abs(gains).max() <= 12
    assert abs(np.corrcoef(gains.T) - np.eye(7)).max() < 0.1


def test_the_equalizer_is_that_of_audiomentations():
    from audiomentations import SevenBandParametricEQ

    library = SevenBandParametricEQ(min_gain_db=-12.0, max_gain_db=12.0, p=1.0)
    expected = library(NOISE, RATE)
    filters = [library.low_shelf_filter, *library.peaking_filters, library.high_shelf_filter]
    names = ("center_freq", "gain_db", "q_factor")
    drawn = {name: [f.parameters[name] for f in filters] for name in names}
    assert (seven_band_eq.apply(NOISE, RATE, **drawn) == expected).all()
    assert [(f.min_center_freq, f.max_center_freq) for f in filters] == list(
        seven_band_eq.CENTER_FREQ
    )
    assert [(f.min_q, f.max_q) for f in filters] == list(seven_band_eq.Q)


def test_policies_of_the_tables_are_the_published():
    chains = {
        name: [
            [(step.transform, step.params.model_dump()) for step in chain]
            for chain in POLICIES[name].versions.values()
        ]
        for name in ("tfm", "sb", "rg")
    }
    band = {"center_freq": (200, 4000), "bandwidth_fraction": (0.5, 1.99), "order": (2, 4)}
    assert chains == {
        "tfm": [[("time_mask", {"band_part": (0, 0.5)}), ("band_stop", band)]],
        "sb": [[("seven_band_eq", {"max_gain_db": 12})]],
        "rg": [[("power_shift", {"max_gain_db": 12})]],
    }


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            "{transform: time_mask, band_part: [0.5, 0.1]}",
            r"band_part=\[0.5, 0.1\].*a minimum and a maximum",
        ),
        (
            "{transform: time_mask, band_part: [0.0, 1.5]}",
            r"band_part\.1=1.5.*less than or equal to 1",
        ),
        ("{transform: seven_band_eq, max_gain_db: -3.0}", r"max_gain_db=-3.0.*greater than 0"),
    ],
)
def test_a_faulty_range_is_named(tmp_path, step, message):
    path = tmp_path / "params.yaml"
    policies = config.file_of("policies", path)
    policies.parent.mkdir()
    policies.write_text(f"policies:\n  p:\n    versions:\n      c:\n      - {step}\n")
    with pytest.raises(MerError, match=message):
        config.read("policies.p", path=path)
