"""A Ctrl-C that a library in C loses ends the block around its call."""

import ctypes

import pytest

from mer.runtime import interrupts


def call_back(error, later=None):
    """Raise the error where C calls Python, which loses it, and then ``later``."""

    def called():
        raise error

    ctypes.CFUNCTYPE(None)(called)()
    if later:
        raise later


@pytest.mark.parametrize("later", [None, ValueError("a damaged result")])
def test_an_interrupt_in_a_callback_is_raised_after_the_block(capsys, later):
    with pytest.raises(KeyboardInterrupt), interrupts.kept():
        call_back(KeyboardInterrupt(), later)
    assert capsys.readouterr().err == ""


def test_other_errors_of_callbacks_stay_as_they_are(monkeypatch):
    met = []
    monkeypatch.setattr("sys.unraisablehook", met.append)
    with interrupts.kept():
        call_back(ValueError())
    assert [found.exc_type for found in met] == [ValueError]
