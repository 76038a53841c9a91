"""mer.pipeline.features, and one battery over every family of features."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import soundfile as sf
import torch

from conftest import ROOT
from helpers import weights
from mer import audio, config, registry
from mer.errors import MerError
from mer.features import compare, musicnn, openl3
from mer.features.musicnn.network import NAMES, MusiCNN
from mer.io import artefacts, checkpoints
from mer.io.feature_tables import read_features, write_published
from mer.io.files import read_json
from mer.io.pretrained import renamed
from mer.io.standard import Standard
from mer.io.tracks import write_tracks
from mer.pipeline import features
from mer.pipeline.standardize import standardize
from mer.types import Clip, FeatureTable, Track

RATE = 22050
PARAMS = compare.Params(sample_rate=16000, peak=0.99)
FAMILIES = registry.names("features")
EXTRACTED = [name for name in FAMILIES if hasattr(registry.get("features", name), "extract")]


def music(seconds: float, rate: int, key: float = 220.0) -> np.ndarray:
    """Decaying chords of five partials, two a second, over faint noise; peak 0.8."""
    time = np.arange(round(seconds * rate)) / rate
    decay = np.exp(-4 * (time % 0.5))
    step = 2 ** (np.floor(2 * time) * 5 % 12 / 12)
    tones = (key * third * part for third in (1, 1.26, 1.5) for part in range(1, 6))
    wave = sum(decay / (hz / key) * np.sin(2 * np.pi * hz * step * time) for hz in tones)
    wave = wave + 0.01 * np.random.default_rng(1).standard_normal(len(time))
    return 0.8 * wave / np.abs(wave).max()


SIGNALS = {
    "noise": lambda rate: np.random.default_rng(0).uniform(-0.5, 0.5, 3 * rate),
    "tone": lambda rate: 0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * rate) / rate),
    "music": lambda rate: music(3.0, rate),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_names_its_columns(family):
    (params,) = config.read(f"families.{family}", path=ROOT / "params.yaml")
    names = registry.get("features", family).names(params)
    assert bool(names) is (family != "none")
    assert all(names)
    assert len(set(names)) == len(names)


@pytest.fixture
def brought(monkeypatch):
    """Random weights for the families that need some."""
    monkeypatch.setattr(openl3, "FILTERS", (2, 2, 4, 4, 4, 4, 4, 512))
    monkeypatch.setattr(openl3, "load", lambda _: weights.keras(openl3.Network()))
    torch.manual_seed(0)
    tagger = {k: v.numpy() for k, v in MusiCNN().state_dict().items()}
    monkeypatch.setattr(musicnn, "load", lambda _: renamed(tagger, NAMES))
    for family in (openl3, musicnn):
        family._network.cache_clear()
    yield
    for family in (openl3, musicnn):
        family._network.cache_clear()


@pytest.mark.usefixtures("brought")
@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("family", EXTRACTED)
def test_every_family_gives_the_same_finite_values_twice(family, signal):
    module = registry.get("features", family)
    (params,) = config.read(f"families.{family}", path=ROOT / "params.yaml")
    rate = params.sample_rate or RATE
    clip = Clip(signal, SIGNALS[signal](rate).astype(np.float32), rate)
    values = module.extract(clip, params)
    assert values.shape == (len(module.names(params)),)
    assert np.isfinite(values).all()
    assert values.std() > 0 or (len(values) == 1 and values.any())
    assert np.array_equal(module.extract(clip, params), values)


@pytest.mark.filterwarnings("ignore:Segment too short")
def test_a_feature_that_is_not_finite_names_family_feature_clip_and_duration():
    clip = Clip("a", np.full(441, 0.5, np.float32), RATE)
    with pytest.raises(
        MerError,
        match=r"^compare: the feature '.*' of the clip 'a' must be finite, not nan; "
        r"listen to the clip, which lasts 0\.02 s, and leave it out, or correct `extract`$",
    ):
        features.row(clip, "compare", PARAMS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused_before_extraction(monkeypatch, value):
    extract = Mock()
    monkeypatch.setattr(compare, "extract", extract)
    samples = np.full(RATE, 0.5, np.float32)
    samples[[3, 5]] = value
    with pytest.raises(
        MerError,
        match=rf"^compare: the samples of the clip 'a' must be finite, and 2 of {RATE} are NaN or "
        "infinite; mend the clip, or leave it out$",
    ):
        features.row(Clip("a", samples, RATE), "compare", PARAMS)
    extract.assert_not_called()


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """An index and a standardized corpus of two clips; scratch in the temporary folder."""
    monkeypatch.setattr(checkpoints, "SCRATCH", tmp_path / "scratch")
    for name, key in (("a", 220.0), ("b", 330.0)):
        sf.write(tmp_path / f"{name}.wav", music(1.5, RATE, key), RATE)
    tracks = [Track(name, "Q1", f"{name}.wav") for name in "ab"]
    (tmp_path / "index").mkdir()
    write_tracks(tmp_path / "index" / "tracks.csv", tracks, {})
    standardized(tmp_path, RATE)
    return tmp_path


def standardized(root: Path, rate: int) -> None:
    limits, quarantine = config.read("audio", "quarantine", path=ROOT / "params.yaml")
    standardize(
        root / "index",
        root,
        root / "standard",
        sample_rate=rate,
        peak_db=None,
        limits=limits,
        quarantine=quarantine,
    )


def run(root: Path, family: str = "compare", params=PARAMS) -> Path:
    target = root / "features" / family
    features.extract(root / "standard", root / "tables", target, family=family, params=params)
    return target


def test_the_table_holds_each_clip_at_the_rate_of_the_family(prepared):
    features = read_features(run(prepared) / "features.parquet")
    clips = map(Standard.read(prepared / "standard").clip, ("a", "b"))
    expected = [compare.extract(audio.resample(clip, 16000), PARAMS) for clip in clips]
    assert features.ids == ("a", "b")
    assert features.names == tuple(compare.names(PARAMS))
    assert features.values.dtype == np.float32
    assert np.array_equal(features.values, expected)
    assert features.source == {
        "source": "extracted",
        "family": "compare",
        "params": '{"sample_rate":16000,"peak":0.99}',
        **compare.versions(),
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_number_of_workers_changes_no_byte(prepared, monkeypatch):
    alone = contents(run(prepared))
    monkeypatch.setenv("MER_JOBS", "2")
    assert contents(run(prepared)) == alone
    assert set(alone) == {"features.parquet", "manifest.json"}


@pytest.mark.parametrize(("peak", "computed"), [(0.99, ["b"]), (0.5, ["a", "b"])])
def test_a_killed_extraction_goes_on_where_it_stopped(prepared, monkeypatch, peak, computed):
    """With the same parameters only: results of others are not taken up."""
    params = compare.Params(sample_rate=16000, peak=peak)
    whole = contents(run(prepared, params=params))
    real, seen = compare.extract, []

    def dies_at_b(clip, params):
        if clip.id == "b":
            raise KeyboardInterrupt
        return real(clip, params)

    def notes(clip, params):
        seen.append(clip.id)
        return real(clip, params)

    monkeypatch.setattr(compare, "extract", dies_at_b)
    with pytest.raises(KeyboardInterrupt):
        run(prepared)
    monkeypatch.setattr(compare, "extract", notes)
    assert contents(run(prepared, params=params)) == whole
    assert seen == computed


def test_new_audio_at_the_same_place_is_seen(prepared):
    before = read_features(run(prepared) / "features.parquet").values
    samples, _ = sf.read(prepared / "a.wav", dtype="int16")
    sf.write(prepared / "a.wav", samples[::-1], RATE)
    standardized(prepared, RATE)
    after = read_features(run(prepared) / "features.parquet").values
    assert not np.array_equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])


def test_a_family_above_the_rate_of_the_corpus_is_refused(prepared):
    with pytest.raises(MerError, match="22050 Hz and must not be upsampled to 44100 Hz"):
        run(prepared, params=compare.Params(sample_rate=44100, peak=0.99))
    assert not (prepared / "features" / "compare").exists()


def test_a_value_that_is_not_finite_names_clip_and_column(prepared, monkeypatch):
    def broken(clip, params):
        values = np.zeros(len(compare.names(PARAMS)), np.float32)
        values[3] = np.nan if clip.id == "b" else 0.0
        return values

    monkeypatch.setattr(compare, "extract", broken)
    with pytest.raises(
        MerError, match=f"'{compare.names(PARAMS)[3]}' of the clip 'b' must be finite"
    ):
        run(prepared)
    assert not (prepared / "features" / "compare").exists()


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.zeros(3, np.float32), r"float32 of shape \(3,\)"),
        (np.zeros((6373, 1), np.float32), r"float32 of shape \(6373, 1\)"),
        (np.zeros(6373, complex), r"complex128 of shape \(6373,\)"),
        ([0.0] * 6373, "list"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_row_of_numbers_is_refused(monkeypatch, values, found):
    monkeypatch.setattr(compare, "extract", Mock(return_value=values))
    clip = Clip("a", np.zeros(RATE, np.float32), RATE)
    with pytest.raises(
        MerError, match=rf"extract of 'compare' must return .* shape \(6373,\), .*not {found}"
    ):
        features.row(clip, "compare", PARAMS)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), r"must return a list of strings, one per column, not \(\)"),
        ([1, 2], r"must return a list of strings, one per column, not \[1, 2\]"),
        (["a", ""], r"must return a list of strings, one per column, not \['a', ''\]"),
        (["a", "b", "a"], "must return different names, and 'a' is there 2 times; rename one"),
        (["a", "id"], "must leave 'id' to the column of clips, and hold it; rename it"),
    ],
)
def test_names_that_a_table_cannot_have_are_refused(prepared, monkeypatch, names, message):
    monkeypatch.setattr(compare, "names", Mock(return_value=names))
    with pytest.raises(MerError, match=f"^features: names of 'compare' {message}"):
        run(prepared)


@pytest.mark.parametrize("versions", [None, "1.0", {"librosa": 1.0}, {1: "a"}])
def test_versions_that_a_table_cannot_name_are_refused(prepared, monkeypatch, versions):
    monkeypatch.setattr(compare, "versions", Mock(return_value=versions))
    with pytest.raises(MerError, match="versions of 'compare' must return a dict of strings by"):
        run(prepared)


def test_an_error_of_a_family_says_in_which_clip_it_was(prepared, monkeypatch):
    monkeypatch.setattr(compare, "extract", Mock(side_effect=ZeroDivisionError("0")))
    with pytest.raises(ZeroDivisionError) as raised:
        features.row(Clip("a", np.zeros(RATE, np.float32), RATE), "compare", PARAMS)
    assert raised.value.__notes__ == ["in the clip 'a', features of 'compare'"]


def test_absent_audio_hands_its_reason_on(prepared):
    artefacts.write_absent(prepared / "standard", "no audio here")
    assert artefacts.absent(run(prepared)) == "no audio here"


@pytest.fixture
def published(monkeypatch):
    """Make ``compare`` a family that exists as a published table only."""
    monkeypatch.delattr(compare, "extract")


@pytest.mark.usefixtures("published")
def test_a_published_table_is_taken_as_it_is(prepared):
    source = {"source": "published", "family": "compare"}
    table = FeatureTable(("x", "y"), ("f", "g"), np.arange(4.0).reshape(2, 2), source)
    write_published(prepared, {"compare": table})
    target = run(prepared)
    copied = (target / "features.parquet").read_bytes()
    assert copied == (prepared / "tables" / "compare.parquet").read_bytes()
    manifest = read_json(target / "manifest.json")
    assert manifest == {"status": "present", "clips": 2, "features": 2, "source": source}


@pytest.mark.usefixtures("published")
def test_a_corpus_without_the_published_table_is_absent(prepared):
    assert artefacts.absent(run(prepared)) == "compare has no published table 'compare'"


def test_an_unknown_family_names_those_that_exist(prepared):
    with pytest.raises(MerError, match=r"'nonesuch' is not one of \[.*'compare'"):
        run(prepared, family="nonesuch")
