"""mer.pipeline.inputs: the stage scripts that compute what an experiment reads."""

from pathlib import Path

import pytest

from conftest import ROOT
from mer.pipeline import inputs
from mer.reproduction import spec


@pytest.fixture(autouse=True)
def project(monkeypatch, tmp_path):
    """A folder with the parameters and no data."""
    for name in ("params.yaml", "params"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)


def test_an_experiment_needs_its_folds_and_what_its_model_reads():
    given = spec.load(ROOT / "papers").find("hybrid_4qaed").model_dump(exclude_none=True)
    assert inputs.needed(given, "quick", 1) == [
        Path("data/folds/cv10x10/4qaed.json"),
        Path("data/mel/louro/4qaed"),
        Path("data/features/panda1714/4qaed"),
        Path("data/augmented/classic/louro/4qaed"),
    ]


def test_an_experiment_needs_the_folds_and_features_of_the_corpus_that_it_is_trained_on():
    given = spec.load(ROOT / "papers").find("mixed_mlp_4qaed").model_dump(exclude_none=True)
    assert inputs.needed(given, "quick", 1) == [
        Path("data/folds/song_80_20/4qaed_parts.json"),
        Path("data/folds/song_80_20/mixed3_parts.json"),
        Path("data/features/compare_lld/4qaed_parts"),
        Path("data/features/compare_lld/mixed3_parts"),
    ]


def test_pretrained_weights_are_an_input():
    given = spec.load(ROOT / "papers").find("crnn_mtat_4qaed").model_dump(exclude_none=True)
    needed = inputs.needed(given, "quick", 1)
    assert Path("data/weights/crnn_mtat") in needed
    assert inputs.commands(Path("data/weights/crnn_mtat")) == [("weights", "models.crnn_mtat")]


def test_a_spectrogram_needs_the_standardized_corpus():
    mel = Path("data/mel/louro/4qaed")
    corpus = [("index", "4qaed"), ("standardize", "4qaed")]
    assert inputs.commands(mel) == [*corpus, ("mel", "louro", "4qaed")]
    Path("data/standard/4qaed").mkdir(parents=True)
    assert inputs.commands(mel) == [("mel", "louro", "4qaed")]
    mel.mkdir(parents=True)
    assert inputs.commands(mel) == []


def test_augmented_versions_name_policy_view_and_corpus():
    Path("data/standard/4qaed").mkdir(parents=True)
    artefact = Path("data/augmented/classic/louro/4qaed")
    assert inputs.commands(artefact) == [("augment", "classic", "louro", "4qaed")]


def test_segments_are_split_from_their_corpus():
    assert inputs.commands(Path("data/mel/louro/4qaed_parts"))[:3] == [
        ("index", "4qaed"),
        ("standardize", "4qaed"),
        ("split_clips", "4qaed_parts"),
    ]


def test_a_merged_corpus_is_merged_from_its_members():
    assert inputs.commands(Path("data/mel/louro/mixed3"))[:6] == [
        ("index", "4qaed"),
        ("index", "ch818"),
        ("index", "tr_music"),
        ("merge_corpora", "mixed3"),
        ("index", "mixed3"),
        ("standardize", "mixed3"),
    ]


def test_joined_families_are_extracted_and_joined():
    for name in ("standard/4qaed", "features/essentia/4qaed"):
        Path("data", name).mkdir(parents=True)
    assert inputs.commands(Path("data/features/essentia_compare_lld/4qaed")) == [
        ("features", "compare_lld", "4qaed"),
        ("join_features", "essentia_compare_lld", "essentia", "compare_lld", "4qaed"),
    ]


def test_folds_are_those_of_the_profile(monkeypatch):
    called = []
    monkeypatch.setattr(inputs, "run_stage", lambda *words: called.append(words))
    Path("data/standard/4qaed_parts").mkdir(parents=True)
    inputs.split_corpus("4qaed_parts", "paper")
    assert called == [("folds", "4qaed", "paper"), ("split_folds", "4qaed_parts")]
