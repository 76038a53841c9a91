"""Augmented versions: they follow from the policy, the seed and the id of the clip alone."""

import hashlib
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from mer import config
from mer.augment import time_shift
from mer.errors import MerError
from mer.io import artefacts, spectrograms
from mer.io.files import read_json
from mer.io.spectrograms import AugmentedMels
from mer.pipeline import augment, mel
from mer.schema.augmentation import Policy
from mer.schema.spectrograms import View
from mer.types import Clip

RATE = 8000
VIEW = View(
    sample_rate=RATE,
    peak_db=-0.1,
    seconds=2.0,
    crop_from="start",
    pad_mode="pad",
    n_fft=512,
    hop_length=256,
    n_mels=16,
    fmin=0.0,
    fmax=4000.0,
    filter_rate=None,
    segment_samples=None,
    mel_scale="slaney",
    power=2,
    scale="db",
    top_db=None,
    pad_value="minimum",
    reverse=False,
)
SHIFT = {"transform": "time_shift", "max_seconds": 1.0}
POWER = {"transform": "power_shift", "max_gain_db": 10.0}
STRETCH = {"transform": "time_stretch", "rates": [1.5]}
POLICY = Policy(versions={"shifted": [SHIFT], "powered": [POWER], "both": [STRETCH, SHIFT]})


def write_standard(folder, ids, seconds=None):
    """Noise of 2 s, or of the given durations, that depends on the id alone."""
    seconds = seconds or [2.0] * len(ids)
    audio = [
        np.random.default_rng(list(id_.encode())).integers(-9000, 9000, int(s * RATE), np.int16)
        for id_, s in zip(ids, seconds, strict=True)
    ]
    lengths = [len(a) for a in audio]
    offsets = np.cumsum([0, *lengths[:-1]])
    columns = {"id": ids, "offset": offsets, "length": lengths, "scale": 1 / 32767}
    folder.mkdir()
    np.save(folder / "audio.npy", np.concatenate(audio))
    pd.DataFrame(columns).to_csv(folder / "clips.csv", index=False)
    artefacts.write_manifest(folder, rate=RATE)
    return folder


def make(standard, target, policy=POLICY, name="some", view=VIEW, seed=1):
    augment.make(standard, target, policy, name, view, seed)
    return target


def digest(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


@pytest.fixture
def standard(tmp_path):
    return write_standard(tmp_path / "standard", ["a", "b", "007"])


@pytest.fixture
def made(standard, tmp_path):
    return make(standard, tmp_path / "made")


def test_what_is_left_on_disk(made):
    read = AugmentedMels.read(made)
    assert read.ids == ("a", "b", "007")
    assert read.names == ("both", "powered", "shifted")
    assert read.values.shape == (3, 3, VIEW.frames, VIEW.n_mels)
    assert read.values.dtype == np.float16
    assert {p.name for p in made.iterdir()} == {
        "manifest.json",
        "mel.npy",
        "ids.csv",
        "parameters.json",
    }


def test_rows_are_found_by_id(made):
    read = AugmentedMels.read(made)
    rows = read.rows(["007", "a"])
    assert (rows == read.values[[2, 0]]).all()
    with pytest.raises(MerError, match="'nobody'"):
        read.rows(["a", "nobody"])


def test_a_gain_adds_its_decibels_to_the_view(standard, made, tmp_path):
    mel.compute(standard, tmp_path / "mel", VIEW)
    plain, read = spectrograms.Mels.read(tmp_path / "mel"), AugmentedMels.read(made)
    gains = read_json(made / "parameters.json")
    for id_ in plain.ids:
        (drawn,) = gains[id_]["powered"]
        copy = read.rows([id_])[0, read.names.index("powered")].astype(float)
        assert copy - plain.rows([id_])[0] == pytest.approx(drawn["gain_db"], abs=0.1)


def test_a_chain_is_applied_in_its_order():
    clip = Clip("x", np.eye(1, RATE, 400, dtype=np.float32)[0], RATE)
    halved = {"transform": "time_stretch", "rate": 0.5}
    later = {"transform": "time_shift", "seconds": 0.1}
    positions = [
        int(np.abs(augment.apply(clip, chain).samples).argmax())
        for chain in ([halved, later], [later, halved])
    ]
    assert positions == pytest.approx([2 * 400 + 800, 2 * (400 + 800)], abs=2048 / 2)


def test_each_step_of_a_chain_is_drawn():
    drawn = augment.sample_parameters(POLICY, "some", 1, "a")
    assert list(drawn) == ["both", "powered", "shifted"]
    assert [step["transform"] for step in drawn["both"]] == ["time_stretch", "time_shift"]
    assert drawn["both"][1]["seconds"] != drawn["shifted"][0]["seconds"]


def test_a_policy_with_a_leak_has_the_versions_of_that_without_it():
    """So that both differ by the leak alone."""
    clean, leaky = (
        augment.sample_parameters(POLICY, name, 1, "a") for name in ("some", "some_leak")
    )
    assert clean == leaky != augment.sample_parameters(POLICY, "other", 1, "a")


@pytest.mark.parametrize("change", [{"name": "other"}, {"seed": 2}, {"clip": "b"}])
def test_seed_policy_and_clip_decide_the_draws(change):
    key = {"name": "some", "seed": 1, "clip": "a"}
    assert augment.sample_parameters(POLICY, **key) == augment.sample_parameters(POLICY, **key)
    assert augment.sample_parameters(POLICY, **key) != augment.sample_parameters(
        POLICY, **(key | change)
    )


@pytest.mark.parametrize(
    ("returned", "found"),
    [
        (np.zeros(RATE - 1, np.float32), r"float32 of shape \(7999,\)"),
        (np.zeros(RATE), r"float64 of shape \(8000,\)"),
        (None, "NoneType"),
        (np.full(RATE, np.nan, np.float32), "some are not"),
    ],
)
def test_samples_that_a_transform_spoils_are_refused(monkeypatch, returned, found):
    monkeypatch.setattr(time_shift, "apply", Mock(return_value=returned))
    clip = Clip("x", np.zeros(RATE, np.float32), RATE)
    with pytest.raises(MerError, match=f"apply of 'time_shift' must return .*{found}"):
        augment.apply(clip, [{"transform": "time_shift", "seconds": 1.0}])


@pytest.mark.parametrize(
    "sampled", [None, 1.0, {"seconds": np.float32(1)}, {"seconds": np.nan}, {"transform": "x"}]
)
def test_arguments_that_json_cannot_hold_are_refused(monkeypatch, sampled):
    monkeypatch.setattr(time_shift, "sample_parameters", Mock(return_value=sampled))
    with pytest.raises(
        MerError, match="sample_parameters of 'time_shift' must return a dict of JSON values"
    ):
        augment.sample_parameters(POLICY, "some", 1, "a")


def test_arguments_that_apply_does_not_take_are_refused(monkeypatch):
    monkeypatch.setattr(time_shift, "sample_parameters", Mock(return_value={"second": 1.0}))
    with pytest.raises(
        MerError, match=r"apply of 'time_shift' must take .* \['second'\], and does not \(missing a"
    ):
        augment.sample_parameters(POLICY, "some", 1, "a")


def test_a_transform_that_works_in_place_leaves_the_clip(monkeypatch):
    def apply(x, sample_rate, seconds):
        x *= np.float32(0.5)
        return x

    monkeypatch.setattr(time_shift, "apply", apply)
    clip = Clip("x", np.ones(RATE, np.float32), RATE)
    assert (augment.apply(clip, [{"transform": "time_shift", "seconds": 1.0}]).samples == 0.5).all()
    assert (clip.samples == 1).all()


def test_the_other_clips_do_not_matter(made, tmp_path):
    fewer = make(write_standard(tmp_path / "fewer", ["b"]), tmp_path / "alone")
    assert (AugmentedMels.read(fewer).rows(["b"]) == AugmentedMels.read(made).rows(["b"])).all()


def test_the_other_copies_do_not_matter(standard, made, tmp_path):
    policy = Policy(versions={"shifted": [SHIFT]})
    alone = AugmentedMels.read(make(standard, tmp_path / "alone", policy))
    assert (alone.values[:, 0] == AugmentedMels.read(made).values[:, 2]).all()


def test_the_same_bytes_from_any_number_of_workers(standard, made, tmp_path, monkeypatch):
    monkeypatch.setenv("MER_JOBS", "2")
    assert digest(make(standard, tmp_path / "again")) == digest(made)


def test_a_view_of_native_lengths_keeps_them(tmp_path):
    native = VIEW.model_copy(update={"seconds": None})
    standard = write_standard(tmp_path / "standard", ["long", "short"], [3.0, 1.0])
    read = AugmentedMels.read(make(standard, tmp_path / "made", view=native))
    assert read.frames.tolist() == [1 + 3 * RATE // 256, 1 + RATE // 256]
    assert read.values.shape == (2, 3, 1 + 3 * RATE // 256, 16)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"policy": Policy(), "name": "none"},
            "the policy 'none' has no augmented versions",
        ),
        ({"view": None}, "this view has no spectrogram"),
    ],
)
def test_where_there_is_nothing_to_make_it_says_so(standard, tmp_path, change, reason):
    target = make(standard, tmp_path / "made", **change)
    assert artefacts.absent(target) == reason
    with pytest.raises(MerError, match=reason):
        AugmentedMels.read(target)


def test_absent_audio_is_handed_on(tmp_path):
    artefacts.write_absent(tmp_path / "standard", "the corpus has no audio folder")
    target = make(tmp_path / "standard", tmp_path / "made")
    assert artefacts.absent(target) == "the corpus has no audio folder"


def policies_of(path):
    """The file of policies that belongs to a params.yaml, in a folder made for it."""
    policies = config.file_of("policies", path)
    policies.parent.mkdir()
    return policies


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("transform: echo", r"policies\.p\.versions\.c\.0=.*'echo' is not one of \[.*'time_shift'"),
        (
            "max_seconds: 1.0",
            r"policies\.p\.versions\.c\.0=.*name its transform, one of \['band_stop",
        ),
        (
            "{transform: time_shift, max_seconds: 1.0, dB: 3}",
            r"versions\.c\.0\.dB' is not a known key",
        ),
        (
            "{transform: time_shift, max_seconds: -1}",
            r"versions\.c\.0\.max_seconds=-1.*greater than 0",
        ),
        ("{transform: time_stretch, rates: []}", r"versions\.c\.0\.rates=\[\].*at least 1 item"),
    ],
)
def test_a_faulty_step_is_named(tmp_path, step, message):
    path = tmp_path / "params.yaml"
    policies_of(path).write_text(f"policies:\n  p:\n    versions:\n      c:\n      - {step}\n")
    with pytest.raises(MerError, match=message):
        config.read("policies.p", path=path)


def test_a_copy_has_at_least_one_transform(tmp_path):
    path = tmp_path / "params.yaml"
    policies_of(path).write_text("policies:\n  p:\n    versions:\n      c: []\n")
    with pytest.raises(MerError, match=r"policies\.p\.versions\.c=\[\].*at least 1 item"):
        config.read("policies.p", path=path)
