"""How far selected columns are the same."""

import json

import pytest

from mer.errors import MerError
from mer.io.artefacts import write_absent, write_manifest
from mer.io.files import write_json
from mer.reproduction import feature_overlap


def test_jaccard_is_what_is_in_both_over_what_is_in_either():
    assert feature_overlap.jaccard("abc", "bcd") == 0.5
    assert feature_overlap.jaccard("ab", "ab") == 1
    assert feature_overlap.jaccard("ab", "cd") == 0
    assert feature_overlap.jaccard("", "") == 1


def test_corpora_without_a_shared_training_have_no_overlap():
    selected = {"a": {"r0_f0": ["x"]}, "b": {"r0_f1": ["x"]}, "c": {"r0_f0": ["x", "y"]}}
    assert feature_overlap.overlaps(selected) == {"a_c": 0.5}


def test_pairs_of_corpora_are_compared_training_by_training(tmp_path):
    chosen = {"en": ["ab", "ab"], "zh": ["cd", "ad"], "tr": ["ab", "bc"]}
    for corpus, trainings in chosen.items():
        selected = {f"r{r}_f0": list(names) for r, names in enumerate(trainings)}
        write_json(tmp_path / f"demo_mlp_{corpus}/selected.json", selected)
        write_manifest(tmp_path / f"demo_mlp_{corpus}")
    feature_overlap.write(tmp_path, "demo_", ["mlp"], list(chosen), tmp_path / "overlap.json")
    found = json.loads((tmp_path / "overlap.json").read_text())
    assert found == {
        "mlp": {
            "en_zh": pytest.approx((0 + 1 / 3) / 2, abs=1e-4),
            "en_tr": pytest.approx((1 + 1 / 3) / 2, abs=1e-4),
            "zh_tr": 0.0,
        }
    }


def test_a_run_that_is_absent_leaves_its_reason(tmp_path):
    write_manifest(tmp_path / "mlp_en")
    write_absent(tmp_path / "mlp_tr", "no audio")
    feature_overlap.write(tmp_path, "", ["mlp"], ["en", "tr"], tmp_path / "overlap.json")
    assert json.loads((tmp_path / "overlap.json").read_text()) == {"mlp": {"absent": "no audio"}}


def test_a_run_that_has_selected_nothing_is_named(tmp_path):
    write_manifest(tmp_path / "mlp_en")
    write_manifest(tmp_path / "mlp_tr")
    with pytest.raises(MerError, match=r"mlp_en.selected\.json"):
        feature_overlap.write(tmp_path, "", ["mlp"], ["en", "tr"], tmp_path / "overlap.json")
