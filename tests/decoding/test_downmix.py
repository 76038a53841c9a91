"""The average of channels, and when too little is left of them."""

import numpy as np
import pytest

from mer.decoding.downmix import Downmix


def of(*channels):
    """What is told of channels, in blocks of 100 samples."""
    downmix, block = Downmix(len(channels)), np.array(channels, np.float32).T
    mono = np.concatenate([downmix.averaged(part) for part in np.split(block, 10)])
    np.testing.assert_allclose(mono, block.mean(axis=1), atol=1e-7)
    return downmix


def test_only_channels_that_cancel_out_are_a_fault(rng):
    one, other = rng.uniform(-1, 1, (2, 1000))
    assert of(one, other).fault() is of(one, one).fault() is of(one).fault() is None
    assert of(one, 0 * one).fault() is None
    assert "its 2 channels cancel out" in of(one, -0.9 * one).fault()


def test_channels_cancel_out_below_a_tenth_of_the_power_of_independent_ones(rng):
    """Of x and -a x, the average has (1 - a)^2 / (1 + a^2) of that power: 0.118 and 0.086."""
    one = rng.uniform(-1, 1, 1000)
    assert of(one, -0.6 * one).fault() is None
    assert of(one, -0.65 * one).fault()


@pytest.mark.parametrize("loudest", [0.0, 1e-5])
def test_silence_has_no_channels_that_cancel_out(loudest):
    silence = np.full(1000, loudest)
    assert of(silence, -silence).fault() is None


@pytest.mark.parametrize("loud_first", [True, False])
def test_two_files_are_told_of_as_one(rng, loud_first):
    loud, faint = rng.uniform(-1, 1, 1000), rng.uniform(-1e-2, 1e-2, 1000)
    parts = [of(loud, -loud), of(faint, faint)]
    both = parts[0] + parts[1] if loud_first else parts[1] + parts[0]
    whole = of(*(np.concatenate([loud, sign * faint]) for sign in (1, 1)))
    assert both.loudest == whole.loudest
    assert both.channels_power == pytest.approx(whole.channels_power)
    assert both.average_power == pytest.approx(parts[0].average_power + parts[1].average_power)
    assert "cancel out" in both.fault()
