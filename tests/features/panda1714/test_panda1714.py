"""mer.features.panda1714: the assembly of its columns. What each measures: test_panda_*.py."""

import numpy as np
import pytest

from mer import config
from mer.errors import MerError
from mer.features import _panda_catalogue, panda1714
from mer.types import Clip

RATE = 22050
PARAMS = panda1714.Params(sample_rate=RATE, separator="none")


def tune(seconds: float) -> np.ndarray:
    """Four tones a second up and down a scale, with pauses between them."""
    time = np.arange(round(seconds * RATE)) / RATE
    step = np.array([0, 2, 4, 5, 7, 5, 4, 2])[(4 * time).astype(int) % 8]
    phase = 2 * np.pi * np.cumsum(330 * 2 ** (step / 12)) / RATE
    return (0.4 * np.sin(phase) * (4 * time % 1 < 0.7)).astype(np.float32)


def extract(samples: np.ndarray, params: panda1714.Params = PARAMS) -> dict[str, float]:
    values = panda1714.extract(Clip("a", samples.astype(np.float32), RATE), params)
    return dict(zip(panda1714.names(params), values.tolist(), strict=True))


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    return extract(tune(4))


def test_the_columns_are_the_published_ones_in_their_order(found):
    assert list(found) == list(_panda_catalogue.catalogue())
    assert len(found) == 1714


def test_without_separation_the_voice_is_the_mix(found):
    pairs = [(name, name.replace("VOICE-", "ORIGINAL-")) for name in found if "VOICE-" in name]
    both = [(found[voice], found[mix]) for voice, mix in pairs if mix in found]
    assert len(both) == 349
    assert all(voice == mix for voice, mix in both)


def test_the_separator_moves_columns_of_the_voice_alone(found):
    separated = extract(tune(4), PARAMS.model_copy(update={"separator": "repet_sim"}))
    moved = {name for name in found if separated[name] != found[name]}
    assert moved
    assert all(name.startswith("VOICE-") for name in moved)


def test_values_stand_in_their_columns(found):
    """Of the scale from E4, MIDI 64, to B4."""
    assert found["ORIGINAL-MELODY-Lowest Note"] == 64
    assert found["ORIGINAL-MELODY-Highest Note"] == 71
    assert found["ORIGINAL-TEXTURE-Musical Layers (Max)"] == 1
    figures = {
        (c.descriptor, c.statistic): found[name] for name, c in _panda_catalogue.catalogue().items()
    }
    pitch = {what: figures["MIR Toolbox/F0 Estimation", what] for what in ("min", "mean", "max")}
    assert pitch["min"] < 340 < pitch["mean"] < 480 < pitch["max"]


@pytest.mark.parametrize("seconds", [1.0, 3.0])
@pytest.mark.parametrize("kind", ["silence", "noise", "click"])
def test_bad_input_gives_finite_values(kind, seconds):
    samples = np.zeros(round(seconds * RATE))
    if kind == "noise":
        samples = np.random.default_rng(0).uniform(-1, 1, len(samples))
    if kind == "click":
        samples[len(samples) // 2] = 1.0
    assert np.isfinite(list(extract(samples).values())).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("sample_rate: 44100", r"families.panda1714.sample_rate=44100: Input should be 22050"),
        ("separator: demix", r"separator='demix': .*one of \['none', 'repet_sim'\]"),
    ],
)
def test_a_param_that_cannot_be_is_named(tmp_path, change, message):
    block = {"sample_rate": "sample_rate: 22050", "separator": "separator: none"}
    block[change.split(":")[0]] = change
    path = tmp_path / "params.yaml"
    path.write_text("families:\n  panda1714:\n" + "".join(f"    {v}\n" for v in block.values()))
    with pytest.raises(MerError, match=message):
        config.read("families.panda1714", path=path)
