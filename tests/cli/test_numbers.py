"""Numbers among the options: what is too small, and what is none."""

import argparse

import pytest

from mer.cli._numbers import at_least


@pytest.mark.parametrize(
    ("lowest", "text"), [(2, "1"), (1, "-3"), (0.01, "0"), (1.0, "nan"), (1.0, "inf")]
)
def test_a_number_that_is_too_small_or_not_finite_is_refused(lowest, text):
    with pytest.raises(argparse.ArgumentTypeError, match=f"must be {lowest:g} or more, not {text}"):
        at_least(lowest)(text)


def test_a_number_has_the_type_of_its_limit():
    assert at_least(2)("5") == 5
    assert at_least(0.01)("0.5") == 0.5


def test_a_number_of_another_kind_is_refused():
    with pytest.raises(argparse.ArgumentTypeError, match=r"must be a whole number, not '2\.5'"):
        at_least(2)("2.5")
    with pytest.raises(argparse.ArgumentTypeError, match="must be a number, not 'x'"):
        at_least(0.5)("x")
