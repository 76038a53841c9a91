"""mer.features.openl3 on random weights: the figures of its authors' code, and what it hears."""

import numpy as np
import pytest
import torch

from conftest import ROOT
from helpers import weights
from mer import config
from mer.errors import MerError
from mer.features import openl3
from mer.io import artefacts, pretrained
from mer.pipeline import features
from mer.types import Clip


@pytest.fixture
def params():
    return config.read("families.openl3", path=ROOT / "params.yaml")[0]


@pytest.fixture
def small(monkeypatch):
    """Narrow layers with random weights; the 512 values stay."""
    monkeypatch.setattr(openl3, "FILTERS", (2, 2, 4, 4, 4, 4, 4, 512))
    monkeypatch.setattr(openl3, "load", lambda _: weights.keras(openl3.Network()))
    openl3._network.cache_clear()
    yield
    openl3._network.cache_clear()


def tone(hertz, seconds=1.2, rate=44100):
    time = np.arange(round(seconds * rate)) / rate
    return Clip("tone", (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32), rate)


def test_the_network_has_the_authors_layers():
    with torch.device("meta"):
        network = openl3.Network()
        assert network(torch.zeros(2, 256, 199)).shape == (2, 512)
    values = [v for k, v in network.state_dict().items() if not k.endswith("tracked")]
    trained = sum(p.numel() for p in network.parameters())
    convolutions = sum(9 * i * o + o for i, o in zip((1, *openl3.FILTERS), openl3.FILTERS))
    assert trained == convolutions + 2 * (1 + 64 + 64 + 128 + 128 + 256 + 256 + 512) == 4_687_042
    assert sum(v.numel() for v in values) == 4_689_860


@pytest.mark.parametrize(
    ("seconds", "count"), [(30, 296), (1, 6), (0.5, 1), (0.1, 1), (0.51, 2), (0.6, 2), (0.61, 3)]
)
def test_windows_are_as_many_as_the_authors_code_makes(seconds, count):
    samples = np.ones(round(seconds * 48000), np.float32)
    parts = openl3.windows(samples)
    assert parts.shape == (count, 48000)
    assert not parts[0, :24000].any()
    assert parts[0, 24000 : 24000 + len(samples)].all()
    assert parts[-1].any()


def test_frame_and_band_of_a_click_and_a_tone():
    click = np.zeros(48000, np.float32)
    click[24200] = 1
    heard = openl3.spectrogram(click).max(axis=0)
    assert heard.shape == (199,)
    assert abs(242 * heard.argmax() + 1024 - 24200) <= 121
    mel = openl3.spectrogram(tone(3000, 1.0, 48000).samples)
    assert mel.max() == 0
    assert mel.min() >= -80
    centres = (openl3._bands() @ np.fft.rfftfreq(2048, 1 / 48000)) / openl3._bands().sum(1)
    assert centres[mel.mean(axis=1).argmax()] == pytest.approx(3000, abs=60)


def test_a_tenth_of_the_magnitude_is_ten_decibels():
    loud = tone(1000, 1.0, 48000).samples
    faint = loud.copy()
    faint[24000:] /= 10
    mel = openl3.spectrogram(faint)
    assert mel[:, 20].max() - mel[:, 150].max() == pytest.approx(10, abs=0.1)


@pytest.mark.usefixtures("small")
def test_level_does_not_matter_and_pitch_does(params):
    values = openl3.extract(tone(440), params)
    assert values.shape == (512,)
    quieter = Clip("quieter", tone(440).samples / 8, 44100)
    assert openl3.extract(quieter, params) == pytest.approx(values, abs=1e-3)
    assert np.abs(openl3.extract(tone(1760), params) - values).max() > 0.01


@pytest.mark.usefixtures("small")
def test_the_mean_is_over_windows_whatever_the_batch(params, monkeypatch):
    clip = Clip("noise", np.random.default_rng(0).uniform(-0.5, 0.5, 48000).astype("f4"), 48000)
    values = openl3.extract(clip, params)
    monkeypatch.setattr(openl3, "BATCH", 1)
    found = openl3.embed(clip.samples, params)
    assert found.shape == (6, 512)
    assert found.mean(axis=0) == pytest.approx(values, abs=1e-5)
    first = params.model_copy(update={"pooling": "first"})
    assert openl3.extract(clip, first) == pytest.approx(found[0], abs=1e-5)


def test_without_weights_the_family_is_absent_and_says_why(params, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    standard = tmp_path / "standard"
    standard.mkdir()
    artefacts.write_manifest(standard)
    target = tmp_path / "features"
    features.extract(standard, tmp_path, target, family="openl3", params=params)
    file = "openl3_audio_mel256_music-v0_4_0.h5.gz"
    assert f"weights must lie in {tmp_path / file}, and there are none" in artefacts.absent(target)


def test_weights_of_another_network_are_refused(params, monkeypatch):
    brought = weights.keras(openl3.Network())
    del brought["003.layer.weight"]
    monkeypatch.setattr(openl3, "load", lambda _: brought)
    openl3._network.cache_clear()
    with pytest.raises(
        MerError,
        match=r"v0_4_0\.h5\.gz must hold 'layers\.4\.weight' of the shape \(64, 64, 3, 3\)",
    ):
        openl3._network(params.weights)
