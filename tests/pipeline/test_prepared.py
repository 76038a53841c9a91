"""mer.pipeline.prepared: inputs that other parameters computed are refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from conftest import ROOT
from helpers.clone import copy_params, edit
from mer import config
from mer.errors import MerError
from mer.io.artefacts import write_absent, write_manifest
from mer.io.files import write_json
from mer.pipeline import experiment, prepared
from mer.pipeline.augment import PARAMETERS, sample_parameters
from mer.selection import Selection

GIVEN = {
    "model": "hybrid",
    "dataset": "demo_4qaed",
    "target": "quadrant",
    "view": "louro",
    "family": "musicnn_compare",
    "augment": "none",
    "protocol": "cv10",
    "fidelity": "described",
}
CHOSEN = Selection.of(GIVEN, "demo", 1)
MEL = Path("data/mel/louro/demo_4qaed")
COMPARE = Path("data/features/compare/demo_4qaed")


@pytest.fixture
def params(tmp_path, monkeypatch):
    """Parameters, with spectrograms and a part of the joined features that they computed."""
    monkeypatch.chdir(tmp_path)
    path = copy_params(ROOT, tmp_path)
    edit(path, joined_families=[{"name": "musicnn_compare", "left": "musicnn", "right": "compare"}])
    view, compare = config.read("views.louro", "families.compare")
    write_manifest(MEL, view=view.parameters, versions=[])
    write_manifest(COMPARE, source={"source": "extracted", "params": compare.model_dump_json()})
    return path


def test_inputs_of_the_same_parameters_pass(params):
    prepared.check(CHOSEN)


def test_a_view_that_has_changed_is_named(params):
    edit(params, views__louro__n_mels=64, views__louro__top_db=60.0)
    wanted = rf"^{MEL} must have been computed .*differs in n_mels, top_db; remove it"
    with pytest.raises(MerError, match=wanted):
        prepared.check(CHOSEN)


def test_what_params_yaml_no_longer_has_is_named(params):
    write_manifest(MEL, view=prepared.recorded(MEL, "view") | {"window": "hann"})
    with pytest.raises(MerError, match=rf"^{MEL} must have been computed .*differs in window; "):
        prepared.check(CHOSEN)


def test_a_part_of_a_join_that_has_changed_is_named(params):
    edit(params, families__compare__peak=0.5)
    with pytest.raises(MerError, match=rf"^{COMPARE} must have been computed .*differs in params"):
        prepared.check(CHOSEN)


@pytest.mark.parametrize("model", ["constant", "svm"])
def test_what_a_model_does_not_read_may_have_changed(params, model):
    edit(params, views__louro__n_mels=64)
    prepared.check(Selection.of(GIVEN | {"model": model}, "demo", 1))


def test_an_absent_artefact_passes(params):
    write_absent(MEL, "no audio")
    edit(params, views__louro__n_mels=64)
    prepared.check(CHOSEN)


def test_an_experiment_on_such_inputs_does_not_start(params):
    edit(params, views__louro__n_mels=64)
    with pytest.raises(MerError, match=f"^{MEL} must have been computed"):
        experiment.run("louro", "hybrid", GIVEN, {}, profile="demo", seed=1)


TFM = Selection.of(GIVEN | {"model": "cnn", "family": "none", "augment": "tfm"}, "demo", 1)
AUGMENTED = Path("data/augmented/tfm/louro/demo_4qaed")


@pytest.fixture
def augmented(params):
    """Augmented spectrograms of two clips, computed with these parameters."""
    view, policy = config.read("views.louro", "policies.tfm")
    write_manifest(AUGMENTED, view=view.parameters)
    found = {id_: sample_parameters(policy, "tfm", 1, id_) for id_ in ("a", "b")}
    write_json(AUGMENTED / PARAMETERS, found)
    return params


def test_augmented_spectrograms_of_the_same_parameters_pass(augmented):
    prepared.check(TFM)


def test_augmented_spectrograms_of_another_policy_seed_or_view_are_refused(augmented):
    message = rf"^{AUGMENTED} must have been computed .*differs in policies\.tfm or seed; remove it"
    with pytest.raises(MerError, match=message):
        prepared.check(replace(TFM, seed=2))
    manifest = prepared.recorded(AUGMENTED, "view")
    write_manifest(AUGMENTED, view=manifest | {"n_mels": 64})
    with pytest.raises(
        MerError, match=rf"^{AUGMENTED} must have been computed .*differs in n_mels"
    ):
        prepared.check(TFM)
    write_manifest(AUGMENTED, view=manifest)
    versions = config.load()["policies"]["tfm"]["versions"]
    edit(augmented, policies__tfm__versions=versions | {"again": versions["masked"]})
    with pytest.raises(MerError, match=message):
        prepared.check(TFM)


def test_augmented_spectrograms_that_no_policy_uses_are_not_compared(augmented):
    prepared.check(replace(TFM, augment="none", seed=2))
