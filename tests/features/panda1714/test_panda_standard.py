"""The standard half of the 1714 features, from signals whose answer is known."""

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mer.errors import MerError
from mer.features.panda1714 import stats
from mer.features.panda1714.signal import lpc
from mer.features.panda1714.signal.cache import SignalCache

RATE = 22050
DIMENSIONS = ("harmony", "tone_colour", "form", "melody", "rhythm", "dynamics", "expressivity")
TOOLBOXES = {"MIR Toolbox 1.6.1": "MIR Toolbox", "Marsyas": "Marsyas", "PsySound 3": "PsySound"}
STATISTICS = "|".join((*stats.SUMMARY, *stats.TEXTURE))
MGB = "PsySound/Loudness (MG & B PsySound2) -"


def series(samples: np.ndarray, *dimensions: str) -> stats.Series:
    cache = SignalCache(samples.astype(np.float32), RATE)
    found: dict[str, np.ndarray | float] = {}
    for name in dimensions or DIMENSIONS:
        found |= import_module(f"mer.features.panda1714.dimensions.{name}").standard(cache)
    return found


def every(found: stats.Series) -> np.ndarray:
    """All statistics of all series, texture included."""
    wanted = [
        (key, what)
        for key, curve in found.items()
        for what in ((*stats.SUMMARY, *stats.TEXTURE) if np.ndim(curve) else ("value",))
    ]
    return stats.values(found, wanted)


def sine(frequency: float, seconds: float = 5, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


def clicks(bpm: float, seconds: float = 20) -> np.ndarray:
    found = np.zeros(int(seconds * RATE))
    burst = np.random.default_rng(1).standard_normal(220) * np.exp(-np.arange(220) / 40)
    for start in np.arange(0.3, seconds - 0.1, 60 / bpm):
        place = round(start * RATE)
        found[place : place + 220] += 0.3 * burst
    return found


def cadence(tonic: int, minor: bool) -> np.ndarray:
    """I IV V I, each a second of tones with five harmonics."""
    third = 3 if minor else 4
    chords = [(0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7)] * 2
    return np.concatenate(
        [
            sum(
                sine(261.63 * 2 ** ((tonic + note) / 12) * harmonic, 1, 0.05 / harmonic)
                for note in chord
                for harmonic in range(1, 6)
            )
            for chord in chords
        ]
    )


@cache
def noise() -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(5 * RATE)


@cache
def music() -> np.ndarray:
    """Ten seconds of chords, beats and a little noise."""
    chords = np.concatenate([cadence(3, False), cadence(9, True)])[: 10 * RATE]
    return chords + 0.5 * clicks(100, 10) + 0.01 * np.resize(noise(), 10 * RATE)


@cache
def of_music() -> stats.Series:
    return series(music())


def value(found: stats.Series, key: str, statistic: str = "mean") -> float:
    return float(stats.values(found, [(key, statistic)])[0])


def test_statistics_by_hand() -> None:
    two = stats.summary(np.array([1.0, 2.0]))
    assert two["kurtosis"] == pytest.approx(1)
    assert two["skewness"] == pytest.approx(0)
    assert two["std"] == pytest.approx(np.sqrt(0.5))
    four = stats.summary(np.array([0.0, 0.0, 0.0, 4.0]))
    assert [four[what] for what in stats.SUMMARY] == pytest.approx(
        [1, 2, 2 / np.sqrt(3), 7 / 3, 4, 0, 0]
    )


@pytest.mark.parametrize("values", [[], [3.0], [0.1, 0.1, 0.1]])
def test_undefined_statistics_are_zero(values: list[float]) -> None:
    found = stats.summary(np.array(values))
    assert [found[what] for what in ("std", "skewness", "kurtosis")] == [0, 0, 0]
    assert found["mean"] == pytest.approx(values[0] if values else 0)


def test_texture_by_hand(monkeypatch) -> None:
    """Memory of two: running means 0.5, 1.5, 2.5 and deviations 0.5 each."""
    monkeypatch.setattr(stats, "MEMORY", 2)
    found = stats.texture(np.array([1.0, 2.0, 3.0]))
    expected = [1.5, 0.5, np.sqrt(2 / 3), 0]
    assert [found[what] for what in stats.TEXTURE] == pytest.approx(expected, abs=1e-9)


def test_values_are_those_of_each_series_alone() -> None:
    rng = np.random.default_rng(0)
    found = {"a": rng.normal(size=9), "b": rng.normal(size=9), "c": rng.normal(size=4), "d": 7.0}
    wanted = [("b", "std"), ("c", "max"), ("d", "value"), ("a", "MeanA/StdM"), ("a", "median")]
    alone = [value(found, key, what) for key, what in wanted]
    np.testing.assert_allclose(stats.values(found, wanted), alone, rtol=1e-12)


def test_the_cache_refuses_another_rate_and_nothing() -> None:
    with pytest.raises(MerError, match="22050 Hz, not 44100"):
        SignalCache(np.zeros(10, np.float32), 44100)
    with pytest.raises(MerError, match="at least one sample"):
        SignalCache(np.zeros(0, np.float32), RATE)


@pytest.mark.parametrize("bpm", [90, 120, 150])
def test_tempo_and_events_of_clicks(bpm: int) -> None:
    found = series(clicks(bpm), "rhythm")
    assert found["MIR Toolbox/Tempo (Classical) overall"] == pytest.approx(bpm, rel=0.03)
    for curve in ("MIR Toolbox/Tempo (Metre) Frame", "PsySound/Beatroot Beat Detection - Tempo"):
        assert value(found, curve) == pytest.approx(bpm, rel=0.01)
    assert value(found, "MIR Toolbox/Tempo (Metre)") == pytest.approx(bpm, rel=0.03)
    assert value(found, "MIR Toolbox/Tempo Change (Frame)") == pytest.approx(0, abs=0.01)
    assert found["MIR Toolbox/Events Density"] == pytest.approx(bpm / 60, rel=0.02)


@pytest.mark.parametrize(("tonic", "minor", "key"), [(0, False, 1), (9, True, 10), (3, False, 4)])
def test_key_and_mode_of_cadences(tonic: int, minor: bool, key: int) -> None:
    found = series(cadence(tonic, minor), "harmony")
    assert found["MIR Toolbox/Key"] == key
    assert np.sign(found["MIR Toolbox/Mode"]) == (-1 if minor else 1)


def test_sine() -> None:
    found = series(sine(1000))
    assert value(found, "MIR Toolbox/Root-Mean-Square Energy") == pytest.approx(0.3536, rel=0.01)
    assert value(found, "MIR Toolbox/Spectral Centroid") == pytest.approx(1000, rel=0.01)
    assert value(found, "MIR Toolbox/Zero Crossing Rate") == pytest.approx(2000, rel=0.01)
    assert value(found, "MIR Toolbox/F0 Estimation") == pytest.approx(1000, rel=0.01)
    assert value(found, "PsySound/Pitch (SWIPEP) - SWIPEP Pitch") == pytest.approx(1000, rel=0.02)
    level = value(found, "PsySound/Sound level meter - SPL A-weighted Slow", "max")
    assert level == pytest.approx(20 * np.log10(0.3536), abs=0.1)  # A is 0 dB at 1 kHz
    assert value(found, "PsySound/Hilbert - Instantaneous Frequency", "median") == pytest.approx(
        1000, rel=0.01
    )


def test_noise() -> None:
    found = series(noise(), "tone_colour")
    assert value(found, "MIR Toolbox/Spectral Flatness") == pytest.approx(0.845, rel=0.03)
    assert value(found, "MIR Toolbox/Spectral Centroid") == pytest.approx(5512, rel=0.03)
    assert value(found, "Marsyas/SFM_20") == pytest.approx(np.exp(-0.5772), rel=0.03)
    pairs = np.array([found[f"Marsyas/LSP_{number}"] for number in range(1, 19)])
    assert (np.diff(pairs, axis=0) > 0).all()
    assert pairs.min() > 0
    assert pairs.max() < np.pi


def test_line_spectrum_of_a_known_predictor() -> None:
    """A(z) = 1 has the roots of z^-(p+1) = -1 and 1: k pi / (p + 1)."""
    predictor = np.zeros((1, 19))
    predictor[0, 0] = 1
    expected = np.arange(1, 19) * np.pi / 19
    np.testing.assert_allclose(lpc.line_spectrum(predictor)[:, 0], expected, atol=1e-4)


def test_predictor_finds_an_autoregressive_process() -> None:
    from scipy.signal import lfilter

    process = lfilter([1], [1, -1.2, 0.8], np.random.default_rng(0).standard_normal(200_000))
    found = lpc.predictor(lpc.autocorrelation(process[None], 2))[0]
    np.testing.assert_allclose(found, [1, -1.2, 0.8], atol=0.01)
    np.testing.assert_allclose(
        lpc.cepstra(np.array([[1, -0.5, 0, 0]]), 3)[:, 0], [0.5, 0.125, 0.125 / 3]
    )


def test_ten_decibels_less() -> None:
    loud = series(noise(), "dynamics")
    soft = series(noise() * 10**-0.5, "dynamics")
    for curve in ("SPL A-weighted Fast", "SPL Z-Unweighted Slow"):
        key = f"PsySound/Sound level meter - {curve}"
        assert value(loud, key) - value(soft, key) == pytest.approx(10, abs=0.05)
    sones = f"{MGB} Loudness"
    assert 0.45 < value(soft, sones) / value(loud, sones) < 0.65
    phons = "PsySound/Loudness (Moore, Glasberg and Baer) - Long-term Loudness"
    assert value(loud, phons, "max") - value(soft, phons, "max") == pytest.approx(8, abs=3)


def test_roughness_of_a_modulated_tone() -> None:
    carrier = sine(1000)
    rough = carrier * (1 + np.sin(2 * np.pi * 70 * np.arange(len(carrier)) / RATE))
    key = "PsySound/Roughness (D & W) - Roughness"
    roughness, smoothness = (value(series(tone, "tone_colour"), key) for tone in (rough, carrier))
    assert roughness > 50 * smoothness


def test_dissonance_of_beating_partials() -> None:
    near, far = sine(440) + sine(500), sine(440) + sine(880)
    for key in (f"{MGB} Tonal Dissonance (HK)", f"{MGB} Tonal Dissonance (S)"):
        assert value(series(near, "dynamics"), key) > 5 * value(series(far, "dynamics"), key)


def test_gain_leaves_pitch_rhythm_and_harmony_alone() -> None:
    dimensions = ("harmony", "melody", "rhythm", "form")
    before = series(music(), *dimensions)
    after = series(music() * 0.1, *dimensions)
    for key, curve in before.items():
        np.testing.assert_allclose(after[key], curve, rtol=1e-2, atol=1e-3, err_msg=key)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(3 * RATE),
        np.eye(1, RATE, RATE // 2)[0],
        np.zeros(1) + 0.5,
        np.full(2 * RATE, 0.25),
        music()[: int(0.3 * RATE)],
        1e-6 * noise(),
    ],
    ids=["silence", "click", "one sample", "constant", "0.3 s", "whisper"],
)
def test_odd_signals_give_finite_values(samples: np.ndarray) -> None:
    assert np.isfinite(every(series(samples))).all()


def test_music_gives_finite_values_twice_the_same() -> None:
    assert np.isfinite(every(of_music())).all()
    np.testing.assert_array_equal(every(of_music()), every(series(music())))


def test_every_standard_column_has_its_series(real_data: Path) -> None:
    """898 columns, by the published names; most of them vary."""
    path = real_data / "4qaed_tables" / "catalogue_1714.csv"
    rows = pd.read_csv(path).query("set == 'standard'")
    wanted = []
    for row in rows.itertuples():
        name = re.sub(rf" \(({STATISTICS})\) *$", "", row.name).strip()
        name = "Tempo (Classical) overall" if row.column == "F0022" else name
        wanted.append((f"{TOOLBOXES[row.toolbox]}/{name}", row.statistic))
    assert len(set(wanted)) == 898
    figures = stats.values(of_music(), wanted)
    assert np.isfinite(figures).all()
    assert len(np.unique(figures)) > 800
