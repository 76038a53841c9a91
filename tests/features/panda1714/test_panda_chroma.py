"""Chroma, keys and tonal centroid of the 1714 features, on sounds whose pitch classes are known."""

import librosa
import numpy as np
import pytest

from mer.features.panda1714.dimensions import harmony
from mer.features.panda1714.signal import chroma
from mer.features.panda1714.signal.cache import MIR_FRAME, SignalCache

RATE = 22050
FRAME = MIR_FRAME / RATE  # s


def cache(samples):
    return SignalCache(np.asarray(samples, np.float32), RATE)


def tone(semitone, seconds=1.0, harmonics=5):
    """A tone above C4 whose harmonics fall as 1 / h."""
    times = 2 * np.pi * np.arange(int(seconds * RATE)) / RATE
    order = np.arange(1, harmonics + 1)[:, None]
    partials = np.sin(chroma.C4 * 2 ** (semitone / 12) * order * times) / order
    return 0.05 * partials.sum(axis=0)


def noise(seconds=20):
    return 0.1 * np.random.default_rng(0).standard_normal(seconds * RATE)


def test_white_noise_has_every_pitch_class_alike():
    whole = harmony.standard(cache(noise()))["MIR Toolbox/Chromagram"]
    assert whole.max() == 1
    assert whole.min() > 0.9


def test_frames_of_white_noise_have_every_pitch_class_alike():
    found = chroma.chromagram(cache(noise()).mir, FRAME, RATE).mean(axis=0)
    assert found / found.mean() == pytest.approx(np.ones(12), abs=0.02)


@pytest.mark.parametrize("minor", [False, True], ids=["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_a_lone_triad_is_its_key(tonic, minor):
    triad = sum(tone(tonic + step) for step in (0, 3 if minor else 4, 7))
    found = harmony.standard(cache(triad))
    assert found["MIR Toolbox/Key"] == tonic + 1
    assert np.sign(found["MIR Toolbox/Mode"]) == (-1 if minor else 1)


@pytest.mark.parametrize("octave", [-1, 0, 1, 2])
def test_a_tone_is_its_pitch_class_in_every_octave(octave):
    found = harmony.standard(cache(tone(12 * octave + 9, harmonics=1)))["MIR Toolbox/Chromagram"]
    assert found.argmax() == 9
    assert np.delete(found, 9).max() < 0.2


def spectrum(*heights):
    """Ten seconds' magnitudes with one bin of each (frequency in Hz, height), and nothing else."""
    found = np.zeros((1, 5 * RATE + 1))
    for frequency, height in heights:
        found[0, round(10 * frequency)] = height
    return found


@pytest.mark.parametrize(("down", "share"), [(0, 1.0), (10, 0.5), (19, 0.05), (20, 0.0), (30, 0.0)])
def test_a_pitch_class_counts_by_its_decibels_above_20_below_the_peak(down, share):
    """Two tones of one bin each, in semitones of 15 bins or so each."""
    found = chroma.chromagram(spectrum((261.6, 1), (277.2, 10 ** (-down / 20))), 10.0, RATE)[0]
    bins = 277.2 / 261.6
    assert found[:2] == pytest.approx([1, share / bins], abs=0.04)


@pytest.mark.parametrize(("frequency", "heard"), [(90, False), (150, True), (3000, True)])
def test_the_range_begins_at_100_hertz(frequency, heard):
    assert chroma.chromagram(spectrum((frequency, 1)), 10.0, RATE).any() == heard


@pytest.mark.parametrize(("frequency", "heard"), [(370, False), (420, True), (800, True)])
def test_the_range_begins_higher_where_the_samples_are_too_few(frequency, heard):
    """At 396 Hz for 50 ms."""
    assert chroma.chromagram(spectrum((frequency, 1)), FRAME, RATE).any() == heard


def test_the_range_is_of_whole_octaves():
    """From 100 Hz to the last bin below 6400 there are five whole ones, up to 3200."""
    assert not chroma.chromagram(spectrum((3400, 1)), 10.0, RATE).any()
    assert not chroma.chromagram(spectrum((6600, 1)), 10.0, RATE).any()


def test_a_spectrum_without_the_range_has_no_pitch_class():
    assert not chroma.chromagram(np.ones((2, 1)), 1e-4, RATE).any()
    assert not chroma.chromagram(np.zeros((2, 1025)), FRAME, RATE).any()


def test_the_tonal_centroid_is_librosas_but_for_the_sum_of_the_chroma():
    vectors = np.random.default_rng(0).random((5, 12))
    sums = vectors.sum(axis=1, keepdims=True)
    expected = librosa.feature.tonnetz(chroma=vectors.T).T * sums
    np.testing.assert_allclose(chroma.tonal_centroid(vectors), expected, atol=1e-9)


def test_the_tonal_centroid_is_of_frames_of_50_ms():
    sound = cache(np.concatenate([tone(0), tone(3)]))
    found = harmony.standard(sound)
    coordinate = found["MIR Toolbox/Tonal Centroid 3"]
    assert len(coordinate) == len(sound.mir)
    steps = found["MIR Toolbox/Harmonic Change Detection Function"]
    assert steps.argmax() == pytest.approx(len(coordinate) / 2, abs=2)


def test_harmonic_change_is_the_distance_between_tonal_centroids():
    found = harmony.standard(cache(np.concatenate([tone(0), tone(4)])))
    places = np.array([found[f"MIR Toolbox/Tonal Centroid {number}"] for number in range(1, 7)])
    expected = np.sqrt((np.diff(places, axis=1) ** 2).sum(axis=0))
    np.testing.assert_allclose(
        found["MIR Toolbox/Harmonic Change Detection Function"], expected, atol=1e-12
    )
