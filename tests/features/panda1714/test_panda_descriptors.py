"""Descriptors of the standard half of the 1714 features, on spectra and curves with answers by hand.

A test puts what a descriptor is computed from into the cache in place of what the samples give.
"""

import numpy as np
import pytest
from scipy.optimize import nnls

from mer.features.panda1714.dimensions import (
    dynamics,
    expressivity,
    form,
    harmony,
    melody,
    rhythm,
    tone_colour,
)
from mer.features.panda1714.signal import bands, cepstra, envelope, loudness, similarity
from mer.features.panda1714.signal.cache import SignalCache

RATE = 22050
STEP = RATE / 2048  # Hz between bins of MIR Toolbox' spectra
BINS = {"mir": 1025, "marsyas": 257, "power": 2049}
NOISE = 0.1 * np.random.default_rng(0).standard_normal(RATE // 2)


def cache(**given):
    """A cache of half a second of noise, with what is given in place of its own."""
    found = SignalCache(NOISE.astype(np.float32), RATE)
    vars(found).update(given)
    return found


def spectrum(kind, *heights):
    """A frame of (bin, height) pairs, 0 elsewhere."""
    found = np.zeros((1, BINS[kind]))
    for place, height in heights:
        found[0, place] = height
    return found


def mir(frames, series):
    """A series of MIR Toolbox of these magnitudes."""
    clip = cache(mir=frames, sounding=np.ones(len(frames), bool))
    return tone_colour.standard(clip)[f"MIR Toolbox/{series}"]


def marsyas(frames, series):
    """A series of Marsyas of these magnitudes."""
    return tone_colour.standard(cache(marsyas=frames))[f"Marsyas/{series}"]


LOW, HIGH = 100, 200  # bins, 1077 and 2153 Hz
TWO = spectrum("mir", (LOW, 3), (HIGH, 1))  # a Bernoulli distribution with p = 1/4
OF_TWO = {
    "High-frequency Energy": 1 / 4,
    "Spectral Centroid": (LOW + (HIGH - LOW) / 4) * STEP,
    "Spectral Spread": np.sqrt(3 / 16) * (HIGH - LOW) * STEP,
    "Spectral Skewness": (1 - 2 / 4) / np.sqrt(3 / 16),
    "Spectral Kurtosis": (1 - 3 * 3 / 16) / (3 / 16),
    "Spectral Entropy": (np.log(4) - 3 / 4 * np.log(3)) / np.log(1025),
    "Irregularity": ((3 - 1) ** 2 + 1**2) / (3**2 + 1**2),
}


@pytest.mark.parametrize("name", OF_TWO)
def test_descriptors_of_two_partials_of_magnitudes_3_and_1(name):
    assert mir(TWO, name) == pytest.approx([OF_TWO[name]], rel=1e-4)


def test_irregularity_takes_nothing_as_the_peak_after_the_last():
    found = mir(spectrum("mir", (LOW, 1), (HIGH, 3)), "Irregularity")
    assert found == pytest.approx([((1 - 3) ** 2 + 3**2) / 10])


def test_rolloff_holds_85_percent_of_the_power():
    """Of 50 x 4 + 50 x 1, 212.5 are reached with the 63rd bin; of magnitudes, it is the 78th."""
    frame = np.pad(np.repeat([2.0, 1.0], 50), (0, 925))[None]
    assert mir(frame, "Rolloff") == pytest.approx([62 * STEP])


def test_flatness_is_the_geometric_mean_over_the_arithmetic_one():
    frame = np.resize([1.0, 4.0], 1025)[None]
    assert mir(frame, "Spectral Flatness") == pytest.approx([2 / 2.5], rel=1e-3)


def test_entropy_of_equal_bins_is_the_logarithm_of_their_number():
    frame = np.pad(np.ones(32), (0, 993))[None]
    assert mir(frame, "Spectral Entropy") == pytest.approx([np.log(32) / np.log(1025)])


def test_spectral_flux_is_the_distance_between_frames():
    frames = np.concatenate([spectrum("mir", (5, 3)), spectrum("mir", (9, 4))])
    assert mir(frames, "Spectral Flux") == pytest.approx([5])


@pytest.mark.parametrize("number", [1, 2, 7, 12])
@pytest.mark.parametrize("kind", ["mir", "marsyas"])
def test_mfcc_are_numbered_by_the_half_periods_over_the_mel_bands(kind, number):
    """The power is such that log10 of the 40 bands is a cosine; both toolboxes number from 0."""
    course = 0.2 * np.cos(np.pi * number * (np.arange(40) + 0.5) / 40)
    power, residue = nnls(cepstra.mel_filters(BINS[kind], RATE).T, 10**course)
    assert residue < 1e-6
    clip = cache(**{kind: np.sqrt(power)[None]})
    if kind == "mir":
        clip.sounding = np.ones(1, bool)
    found = tone_colour.standard(clip)
    toolbox, numbers = {"mir": ("MIR Toolbox", range(1, 14)), "marsyas": ("Marsyas", range(13))}[
        kind
    ]
    values = [found[f"{toolbox}/MFCC{order}"][0] for order in numbers]
    expected = [0.2 * np.sqrt(20) * (order == number) for order in numbers]
    assert values == pytest.approx(expected, abs=1e-3)


def test_marsyas_centroid_is_of_the_power_in_parts_of_the_nyquist_frequency():
    frame = spectrum("marsyas", (64, 1), (192, 2))
    assert marsyas(frame, "Centroid") == pytest.approx([(64 + 4 * 192) / 5 / 256])


@pytest.mark.parametrize(("bins", "last"), [(100, 88), (3, 256)])
def test_marsyas_rolloff_is_the_last_bin_below_90_percent_or_the_highest(bins, last):
    frame = np.pad(np.ones(bins), (0, 257 - bins))[None]
    assert marsyas(frame, "Rolloff") == pytest.approx([last / 256])


def test_marsyas_flux_is_the_distance_of_powers_with_maximum_1():
    frames = np.sqrt([*spectrum("marsyas", (3, 4), (5, 2)), *spectrum("marsyas", (3, 1), (5, 2))])
    assert marsyas(frames, "Flux") == pytest.approx([0, np.sqrt(0.5)])


@pytest.mark.parametrize(("number", "first", "count"), [(1, 6, 2), (13, 44, 15), (21, 176, 57)])
def test_flatness_and_crest_of_a_quarter_octave(number, first, count):
    """One bin of the band has the power 3, all others 1. Edges by hand: 250 Hz x 2^(n/4) and 5 %."""
    frame = np.ones((1, 257))
    frame[0, first + count - 1] = np.sqrt(3)
    mean = (count + 2) / count
    assert marsyas(frame, f"SCF_{number}") == pytest.approx([3 / mean])
    assert marsyas(frame, f"SFM_{number}") == pytest.approx([3 ** (1 / count) / mean])
    beside = np.ones((1, 257))
    beside[0, [first - 1, first + count]] = 9
    assert marsyas(beside, f"SCF_{number}") == pytest.approx([1])


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ("Spectral Centroid (1st Moment)", 125 * RATE / 4096),
        ("Spectral 2nd Moment", 3 / 16 * (100 * RATE / 4096) ** 2),
        ("Standard deviation", np.sqrt(3 / 16) * 100 * RATE / 4096),
        ("Skewness", 0.5 / np.sqrt(3 / 16)),
        ("Kurtosis", 7 / 3),
        ("Level", 10 * np.log10(4)),
    ],
)
def test_psysounds_moments_of_two_partials_of_powers_3_and_1(series, expected):
    found = tone_colour.standard(cache(power=spectrum("power", (100, 3), (200, 1))))
    assert found[f"PsySound/FFT Spectrum - {series}"] == pytest.approx([expected], rel=1e-6)


OCTAVES = "PsySound/1/3-Oct & Oct Spectrum (FFT) - Octave Band Spectrum"
TWELFTHS = "PsySound/1/12-Oct Spectrum IEC (FFT) - 1/12-Oct Spectrum"


@pytest.mark.parametrize(("frequency", "octaves"), [(1000, 0), (4000, 2), (250, -2)])
def test_a_tone_has_its_level_in_its_octave_and_twelfth(frequency, octaves):
    """The lowest octave is around 62.5 Hz, the lowest twelfth 54 below 1 kHz."""
    power = spectrum("power", (round(frequency / RATE * 4096), 0.25))
    found = tone_colour.standard(cache(power=power))
    for name, place in ((OCTAVES, 4 + octaves), (TWELFTHS, 54 + 12 * octaves)):
        assert found[name].argmax() == place
        assert found[name][place] == pytest.approx(10 * np.log10(0.25), abs=1e-6)


@pytest.mark.parametrize(("frequency", "semitone"), [(65.406, 12), (440.0, 45), (1046.5, 60)])
def test_a_tone_is_at_its_semitone_of_the_constant_q_transform(frequency, semitone):
    times = np.arange(2 * RATE) / RATE
    found = bands.constant_q(np.sin(2 * np.pi * frequency * times).astype(np.float32), RATE)
    assert found.argmax() == semitone


def test_the_cepstrum_of_a_ripple_is_at_its_quefrency():
    """The log spectrum exp(-i q w) has the complex cepstrum 1 at q, and its real part 1/2."""
    turn = np.exp(-2j * np.pi * 300 * np.arange(2049) / 4096)[None]
    real, whole = cepstra.real_cepstrum(np.exp(turn)), cepstra.complex_cepstrum(np.exp(turn))
    assert real[0, 300] == pytest.approx(0.5)
    assert np.delete(real[0], 300) == pytest.approx(np.zeros(2047), abs=1e-9)
    assert whole[0, 300] == pytest.approx(1)
    assert np.delete(whole[0], 300) == pytest.approx(np.zeros(4095), abs=1e-9)
    before = cepstra.complex_cepstrum(np.exp(turn.conj()))
    assert before[0].argmax() == 4096 - 300  # a negative quefrency


@pytest.mark.parametrize(
    ("kind", "sign", "place"), [("real", 1, 300), ("complex", 1, 300), ("complex", -1, 4096 - 300)]
)
def test_cepstral_moments_are_over_quefrency_in_milliseconds(kind, sign, place):
    """A negative quefrency counts as a large one."""
    turn = np.exp(-2j * np.pi * sign * 300 * np.arange(2049) / 4096)[None]
    found = tone_colour.standard(cache(psysound=np.exp(turn)))
    name = f"PsySound/Cepstrum ({kind}) - Cepstral Centroid (1st Moment)"
    assert found[name] == pytest.approx([place * 1000 / RATE])


def test_attacks_of_two_events_by_hand():
    """Up by 0.8 in 5 frames and down in 50; up by 0.4 in 10 and down in 20. The maximum is 2."""
    parts = [(0.2, 0.2, 30), (0.2, 1, 5), (1, 0.2, 50), (0.2, 0.6, 10), (0.6, 0.2, 20)]
    course = np.concatenate([np.linspace(*ends, count + 1)[1:] for *ends, count in parts])
    clip = cache(envelope=2 * course)
    found, rate = tone_colour.standard(clip), clip.frame_rate
    assert found["MIR Toolbox/Attack Time"] == pytest.approx(np.array([5, 10]) / rate)
    assert found["MIR Toolbox/Attack Leap"] == pytest.approx([0.8, 0.4])
    assert found["MIR Toolbox/Attack Slope"] == pytest.approx([0.8 * rate / 5, 0.4 * rate / 10])
    falls = [0.8 * rate / 50, 0.4 * rate / 20]
    assert found["MIR Toolbox/Release Phase Slope"] == pytest.approx(falls)


@pytest.mark.parametrize("seconds", [0.3, 0.6])
def test_decay_is_the_time_in_which_the_energy_falls_by_60_decibels(seconds):
    times = np.arange(RATE) / RATE
    found = envelope.decay(10 ** (-3 * times / seconds), RATE)
    assert found[0] == pytest.approx(seconds, abs=0.07)  # in steps of 6 x 10 ms


def test_the_analytic_signal_has_level_and_frequency_of_a_sine():
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    found = envelope.hilbert(tone, RATE)
    assert np.median(found["level"]) == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert np.median(found["frequency"]) == pytest.approx(1000, rel=1e-4)


@pytest.mark.parametrize(
    ("energy", "share"), [([1, 0.1, 0.1, 0.1], 0.75), ([1, 1, 1, 0.4], 0.25), ([1, 1, 1, 0.5], 0)]
)
def test_the_silence_ratio_is_of_frames_below_half_the_mean_energy(energy, share):
    found = expressivity.standard(cache(energy=np.array(energy)))
    assert found["MIR Toolbox/Average Silence Ratio"] == share


def test_pulse_clarity_and_metre_are_read_off_the_tempogram():
    """Peaks of 0.6 and 0.3 at half a second and one; one of 0.05, and what is faster, do not count."""
    clip = cache()
    rate = clip.frame_rate
    half, one = round(0.5 * rate), round(rate)
    curve = np.zeros((2, clip.tempogram.shape[1]))
    curve[:, [0, 20, half, one, 120]] = 1, 0.9, 0.6, 0.3, 0.05
    clip.tempogram = curve
    found = rhythm.standard(clip)
    assert found["MIR Toolbox/Pulse Clarity (Frame)"] == pytest.approx([0.6, 0.6])
    assert found["MIR Toolbox/Metrical Centroid and Strength (Frame)"] == pytest.approx([0.9, 0.9])
    centroid = 60 * rate * (0.6 / half + 0.3 / one) / 0.9
    assert found["MIR Toolbox/Metrical Centroid and Strength"] == pytest.approx([centroid] * 2)
    assert found["MIR Toolbox/Tempo (Classical) overall"] == pytest.approx(60 * rate / half)


@pytest.mark.parametrize(
    ("heights", "expected"),
    [([(40, 1)], 0), ([(50, 1)], 1), ([(45, 2)], 0.5), ([(40, 3), (50, 1)], 0.25)],
)
def test_inharmonicity_is_1_halfway_between_two_multiples_of_the_fundamental(heights, expected):
    clip = cache(mir=spectrum("mir", *heights), f0=np.array([20 * STEP]))
    found = harmony.standard(clip)["MIR Toolbox/Inharmonicity"]
    assert found == pytest.approx([expected], abs=1e-5)


def test_pure_tonalness_of_one_partial():
    """Terhardt's audibility of 60 dB above threshold, 1 - exp(-60 / 15), over Parncutt's 5.2."""
    partials = np.array([[1000.0, *[0] * 19]]), np.array([[1.0, *[0] * 19]])
    found = melody.standard(cache(partials=partials))["PsySound/Pitch (Terhardt) - Pure Tonalness"]
    assert found == pytest.approx([(1 - np.exp(-4)) / 5.2], rel=1e-3)


def test_sharpness_after_zwicker_and_after_aures_of_one_filter():
    """Four filters of 0.25 ERB make one sone each; the 61st is at 16.75 ERB."""
    specific = np.zeros((1, len(loudness.erb_centres(RATE, loudness.STEP))))
    specific[0, 60] = 4
    found = dynamics.standard(cache(specific=specific))
    place = float(loudness.bark(loudness.erb_to_hz(np.array(16.75))))
    name = "PsySound/Loudness (MG & B PsySound2) -"
    assert found[f"{name} Loudness"] == pytest.approx([1])
    assert found[f"{name} SharpnessZ"] == pytest.approx([0.11 * place])
    aures = 0.11 * 0.078 * np.exp(0.171 * place) / np.log(1.05)
    assert found[f"{name} SharpnessA"] == pytest.approx([aures])
    assert found[f"{name} Timbral Width"] == pytest.approx([0.25])
    assert found[f"{name} Volume"] == pytest.approx([1 / aures])


def test_novelty_is_where_one_part_ends_and_another_begins():
    parts = np.repeat([0, 1], 100)
    found = similarity.novelty((parts[:, None] == parts).astype(float))
    assert found.argmax() == 100
    assert found[100] == 1
    assert found[[50, 150]] == pytest.approx([0, 0], abs=1e-6)


def test_form_is_read_off_the_similarity_of_frames():
    """A period of 10 frames: the similarity at a lag is the cosine of its angle."""
    places = 2 * np.pi * np.arange(80) / 10
    matrix = similarity.matrix(np.stack([np.cos(places), np.sin(places)], axis=1))
    clip = cache(similarity=matrix)
    beats = rhythm.standard(clip)["MIR Toolbox/Beat Spectrum"]
    assert beats == pytest.approx(np.cos(places[1:]))
    neighbours = form.standard(clip)["MIR Toolbox/TEST-Adjacent Frames Similarity"]
    assert neighbours == pytest.approx(np.full(79, np.cos(2 * np.pi / 10)))
