"""mer.features.compare: names, level and the sample that openSMILE turns over."""

import numpy as np
import pytest

from mer.features import compare
from mer.types import Clip

RATE = 16000
PARAMS = compare.Params(sample_rate=RATE, peak=0.99)


def sine(peak: float, hz: float = 440.0) -> np.ndarray:
    wave = np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)
    return (peak / np.abs(wave).max() * wave).astype(np.float32)


def extract(samples: np.ndarray) -> np.ndarray:
    return compare.extract(Clip("a", samples, RATE), PARAMS)


def moved(a: np.ndarray, b: np.ndarray) -> int:
    """How many values differ by more than 1 %."""
    return int((np.abs(a - b) > 0.01 * np.maximum(np.abs(a), np.abs(b))).sum())


def test_the_names_are_those_of_the_challenge():
    names = compare.names(PARAMS)
    assert len(names) == len(set(names)) == 6373
    assert names[0] == "audspec_lengthL1norm_sma_range"
    assert names[-1] == "mfcc_sma_de[14]_stddevFallingSlope"


def test_full_scale_is_no_trap():
    """Without the guard, thousands of features of a tone at 1.0 differ from those at 0.99."""
    loud, safe = sine(1.0), sine(0.99)
    unguarded = compare.functionals()(loud, RATE)[0, :, 0]
    assert moved(unguarded, extract(safe)) > 1000
    assert moved(extract(loud), extract(safe)) < 10


@pytest.mark.parametrize("peak", [0.1, 0.9, 0.99])
def test_a_level_that_fits_is_left_alone(peak):
    assert np.array_equal(extract(sine(peak)), compare.functionals()(sine(peak), RATE)[0, :, 0])


@pytest.mark.parametrize("peak", [1.0, 1.4, 40.0])
def test_a_louder_clip_comes_down_to_the_peak(peak):
    assert moved(extract(sine(peak)), extract(sine(0.99))) < 10


def test_the_pitch_of_a_tone_is_found():
    values = dict(zip(compare.names(PARAMS), extract(sine(0.5, 220.0)), strict=True))
    assert values["F0final_sma_quartile2"] == pytest.approx(220.0, rel=0.02)


def test_slopes_are_per_frame():
    """IS13: an amplitude that grows to 0.9 in one second gains 0.9 / sqrt(2) / 100 RMS per 10 ms.

    ComParE_2016, with the same names, normalizes the contour first and says 1.06.
    """
    ramp = np.linspace(0, 1, RATE, dtype=np.float32) * sine(0.9)
    values = dict(zip(compare.names(PARAMS), extract(ramp), strict=True))
    assert values["pcm_RMSenergy_sma_linregc1"] == pytest.approx(0.9 / np.sqrt(2) / 100, rel=0.01)


def test_silence_is_finite():
    assert np.isfinite(extract(np.zeros(RATE, np.float32))).all()
