"""Training on one corpus and testing on another, and going on from a parent's network."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from conftest import ROOT, profile_of
from mer import config
from mer.errors import AbsentError, MerError
from mer.io import artefacts
from mer.io.feature_tables import write_features
from mer.io.files import read_json, write_csv
from mer.io.folds import write_folds
from mer.io.predictions import read_predictions
from mer.io.tracks import write_tracks
from mer.learn.data import TrainingData, concat_corpora, gather
from mer.learn.trainers import random_chunks
from mer.learn.waveforms import Waveforms
from mer.pipeline import train
from mer.pipeline.features import TABLE
from mer.schema.augmentation import Policy
from mer.selection import Selection
from mer.targets.classes import Classes
from mer.targets.values import Values
from mer.types import QUADRANTS, FeatureTable, Fold, Track

PROFILE = profile_of(batch_size=8, smoke_test=True)
CHOSEN = Selection(
    model="mlp",
    dataset="there",
    target="quadrant",
    view="none",
    family="compare",
    augment="none",
    protocol="song_80_20",
    fidelity="described",
    profile="demo",
    seed=1,
)
HEARD = replace(CHOSEN, model="sincnet", family="none")


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Corpora ``here`` and ``there`` of 40 clips: tables whose scale differs, 50 ms of noise."""
    monkeypatch.chdir(tmp_path)
    for number, dataset in enumerate(("here", "there")):
        rng, chosen = np.random.default_rng(number), replace(CHOSEN, dataset=dataset)
        tracks = [Track(f"t{i:02d}", QUADRANTS[i % 4]) for i in range(40)]
        ids = tuple(track.id for track in tracks)
        for kind in ("index", "features", "standard"):
            chosen.folder(kind).mkdir(parents=True)
            artefacts.write_manifest(chosen.folder(kind), rate=16000)
        write_tracks(chosen.folder("index") / "tracks.csv", tracks, {})
        values = rng.uniform(0, 1, (40, 4)) + np.eye(4)[np.arange(40) % 4]
        table = FeatureTable(ids, tuple("abcd"), values * (1 + 9 * number))
        write_features(chosen.folder("features") / TABLE, table)
        standard = chosen.folder("standard")
        np.save(standard / "audio.npy", rng.integers(-999, 999, 40 * 800).astype(np.int16))
        rows = [(id_, 800 * i, 800, 1 / 32767) for i, id_ in enumerate(ids)]
        write_csv(standard / "clips.csv", [("id", "offset", "length", "scale"), *rows])
        write_csv(standard / "quarantine.csv", [("id", "path", "reason")])
        folds = [Fold(r, 0, ids[8:], (), ids[:8]) for r in range(2)]
        write_folds(chosen.folds, folds, protocol="song_80_20", shares_artists=False)
    return tmp_path


def run(chosen, target, changes=None, **more):
    (params,) = config.read(f"models.{chosen.model}", path=ROOT / "params.yaml")
    params = config.with_values(params, {"restarts": 1} | (changes or {}))
    train.run(chosen, params, Policy(), PROFILE, target, keep_weights=True, **more)
    return read_predictions(target / "predictions.parquet")


def test_a_model_that_synthesises_nothing_is_not_augmented_by_a_synthesis(prepared):
    (policy,) = config.read("policies.deepsmote", path=ROOT / "params.yaml")
    augmented = {}
    for model in ("cnn", "hybrid"):
        (params,) = config.read(f"models.{model}", path=ROOT / "params.yaml")
        data = gather(replace(CHOSEN, model=model), params, policy, reads=())
        augmented[model] = data.is_augmented
    assert augmented == {"cnn": True, "hybrid": False}


def test_a_cross_run_tests_the_selected_corpus_with_the_sources_scaler(prepared):
    """Ten times as large, nearly all of ``there`` lies beyond the scale of ``here``."""
    own = run(CHOSEN, prepared / "own")
    found = run(CHOSEN, prepared / "cross", source="here")
    assert sorted(found.frame["id"]) == sorted(own.frame["id"])
    assert (own.y_pred == own.y_true).mean() > 0.6
    assert (found.y_pred == found.y_true).mean() < (own.y_pred == own.y_true).mean()
    assert read_json(prepared / "cross/run.json")["source"] == "here"


def test_a_cross_run_of_a_corpus_on_itself_is_the_run_within(prepared):
    own = run(CHOSEN, prepared / "own").frame
    assert run(CHOSEN, prepared / "cross", source="there").frame.equals(own)


def test_repeats_of_one_split_differ_by_their_seed(prepared):
    found = run(CHOSEN, prepared / "own").frame
    first, second = (found[found["repeat"] == r]["p_0"].to_numpy() for r in (0, 1))
    assert not np.array_equal(first, second)


def test_restarts_of_a_split_are_repeats_from_other_seeds(prepared, monkeypatch):
    """Under a profile of fewer repeats they are the first of them."""
    found = run(CHOSEN, prepared / "own", {"restarts": 3}).frame
    by_repeat = [rows["p_0"].to_numpy() for _, rows in found.groupby("repeat")]
    assert len({tuple(answers) for answers in by_repeat}) == len(by_repeat) == 6
    assert read_json(prepared / "own/run.json")["n_restarts"] == 3
    monkeypatch.setattr("test_setups.PROFILE", PROFILE.model_copy(update={"repeats": 1}))
    few = run(CHOSEN, prepared / "few", {"restarts": 3}).frame
    assert np.array_equal(few[few["repeat"] == 0]["p_0"], by_repeat[0])
    assert np.array_equal(few[few["repeat"] == 1]["p_0"], by_repeat[1])
    chosen = [read_json(prepared / f"{n}/selected.json") for n in ("own", "few")]
    assert chosen[0] == chosen[1]
    assert list(chosen[0]) == ["r0_f0", "r1_f0"]


def test_both_corpora_are_joined_by_ids_that_say_which():
    def one(value):
        signals = Waveforms(("a", "b"), np.full(5, value, np.float16), np.array([2, 3]))
        return TrainingData({"a": 0, "b": 1}, Classes(QUADRANTS), waveforms=signals)

    both = concat_corpora(one(1), one(2), "here")
    assert both.labels == {"here/a": 0, "here/b": 1, "a": 0, "b": 1}
    assert both.waveforms.ids == ("here/a", "here/b", "a", "b")
    assert both.waveforms.spans(["b", "here/b"])[0].tolist() == [7, 2]
    assert both.waveforms.values[7] == 2


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (Classes(("happy", "sad")), Classes(("happy", "tense"))),
        (Values(("valence",), (1.0, 9.0)), Values(("valence",), (-1.0, 1.0))),
    ],
)
def test_corpora_of_other_classes_or_ranges_cannot_cross(there, here):
    """A class is a number, and a value is scaled by its range: both would mean something else."""
    with pytest.raises(
        MerError, match=r"the target must be the same .* in 'there' and .*another corpus"
    ):
        concat_corpora(TrainingData({}, there), TrainingData({}, here), "there")


def test_a_model_of_spectrograms_cannot_cross():
    with pytest.raises(MerError, match="needs a model of a table"):
        concat_corpora(
            TrainingData({}, Classes(QUADRANTS)), TrainingData({}, Classes(QUADRANTS)), "here"
        )


SMALL = {
    "chunk_ms": 25,
    "smoke_test_steps": 1,
    "hidden": [4],
    "training.optimizer": "sgd",
    "training.lr": 1e-9,
}


def test_a_profile_ends_trainings_early_and_the_run_says_so(prepared, monkeypatch):
    longer = SMALL | {"training.smoke_test_epochs": 3, "training.stop_accuracy": None}
    for cap, epochs in ((None, 3), (2, 2), (9, 3)):
        monkeypatch.setattr("test_setups.PROFILE", PROFILE.model_copy(update={"max_epochs": cap}))
        run(HEARD, prepared / "run", longer)
        assert pd.read_csv(prepared / "run/curves.csv")["epoch"].max() == epochs
        assert read_json(prepared / "run/run.json").get("max_epochs") == cap


def test_a_transfer_goes_on_from_the_network_of_its_parent(prepared):
    """With a learning rate of nearly nothing it stays where the parent ended."""
    run(replace(HEARD, dataset="here", seed=5), prepared / "parent", SMALL)
    run(HEARD, prepared / "child", SMALL, parent=prepared / "parent")
    run(HEARD, prepared / "alone", SMALL)
    networks = [
        load_file(prepared / f"{n}/weights/r0_f0.safetensors") for n in ("parent", "child", "alone")
    ]
    parent, child, alone = (network["logits.weight"] for network in networks)
    assert np.allclose(child, parent, atol=1e-6)
    assert not np.allclose(alone, parent, atol=1e-2)
    assert read_json(prepared / "child/run.json")["parent"] == "parent"


def test_restarts_of_a_transfer_all_begin_where_the_parents_first_ended(prepared, monkeypatch):
    """With a learning rate of nearly nothing they end there; from nothing, each elsewhere."""
    settings, heads = {**SMALL, "restarts": 2}, []

    def classify(network, clips, *_):
        heads.append(network.logits.weight.detach().numpy())
        return np.full((len(clips.starts), 4), 0.25)

    run(replace(HEARD, dataset="here", seed=5), prepared / "parent", settings)
    parent = load_file(prepared / "parent/weights/r0_f0.safetensors")["logits.weight"]
    monkeypatch.setattr(random_chunks, "classify", classify)
    run(HEARD, prepared / "child", settings, parent=prepared / "parent")
    assert len(heads) == 4
    assert all(np.allclose(head, parent, atol=1e-6) for head in heads)
    run(HEARD, prepared / "alone", settings)
    assert not np.allclose(heads[4], heads[5], atol=1e-2)
    kept = load_file(prepared / "alone/weights/r0_f0.safetensors")
    assert np.array_equal(kept["logits.weight"], heads[4])
    assert len(list((prepared / "alone/weights").iterdir())) == 1
    assert set(pd.read_csv(prepared / "alone/curves.csv")["repeat"]) == {0, 1, 2, 3}


def test_an_estimator_has_no_parent(prepared):
    with pytest.raises(MerError, match="a model must read whole waveforms"):
        run(CHOSEN, prepared / "child", parent=prepared / "parent")


def test_a_missing_parent_is_named(prepared):
    with pytest.raises(MerError, match="a network that a run with weights has left"):
        run(HEARD, prepared / "child", SMALL, parent=prepared / "parent")


def test_an_absent_parent_hands_its_reason_on(prepared):
    artefacts.write_absent(prepared / "parent", "no audio")
    with pytest.raises(AbsentError, match=r"^no audio$"):
        run(HEARD, prepared / "child", SMALL, parent=prepared / "parent")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chunk": 5}, "'chunk' is not a key of mer.models.sincnet"),
        ({"training.rate": 5}, "'training.rate' is not a key"),
        ({"chunk_ms": -5}, "^chunk_ms=-5"),
    ],
)
def test_settings_that_do_not_fit_the_block_are_refused(settings, message):
    (params,) = config.read("models.sincnet", path=ROOT / "params.yaml")
    with pytest.raises(MerError, match=message):
        config.with_values(params, settings)
