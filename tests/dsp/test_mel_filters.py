"""Mel filters: every value equals librosa's, for every view and family that uses them."""

import librosa
import numpy as np
import pytest

from conftest import ROOT
from mer import config
from mer.dsp.mel_filters import mel_filters
from mer.features import musicnn, openl3

VIEWS = {k: view for k, view in config.read("views", path=ROOT / "params.yaml")[0].items() if view}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_filters_of_a_view_are_librosas(view):
    rate, htk = view.filter_rate or view.sample_rate, view.mel_scale == "htk"
    limits = {"fmin": view.fmin, "fmax": view.fmax, "htk": htk}
    found = mel_filters(rate, view.n_fft, view.n_mels, **limits)
    form = {"sr": rate, "n_fft": view.n_fft, "n_mels": view.n_mels}
    expected = librosa.filters.mel(**form, **limits, norm=None if htk else "slaney")
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


def test_filters_of_the_families_are_librosas():
    expected = librosa.filters.mel(sr=16000, n_fft=512, n_mels=96)
    assert np.array_equal(musicnn._filters(), expected)
    assert np.array_equal(openl3._bands(), librosa.filters.mel(sr=48000, n_fft=2048, n_mels=256))


def test_filters_from_a_frequency_above_the_linear_part_are_librosas():
    limits = {"fmin": 1500.0, "fmax": 15000.0}
    expected = librosa.filters.mel(sr=44100, n_fft=1024, n_mels=40, **limits)
    assert np.array_equal(mel_filters(44100, 1024, 40, **limits), expected)
