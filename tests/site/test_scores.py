"""The scores that the site draws, and what they may be compared with."""

import pytest

from mer.io.files import write_json
from mer.site import scores

QUICK = "1 of 10 folds; profile quick"


def found(small_papers, row):
    return scores.score(small_papers, "p_table1", row, "4qaed")


def test_a_score_has_its_interval_and_the_place_of_its_command(small_papers, write_result):
    write_result("svm", 0.7605)
    score = found(small_papers, "svm")
    assert (score.state, score.system, score.parts) == ("unranked", "SVM", "svm, top100")
    assert (score.value, score.low, score.high) == (0.7605, 0.7305, 0.7905)
    assert score.published == 0.7559
    assert score.link == "tables/p_table1.html#svm_4qaed"


def test_a_demo_is_no_score(small_papers, write_result):
    write_result("cnn", 1.0, prefix="demo_", profile="demo")
    write_result("svm", 1.0, prefix="demo_", profile="demo")
    assert found(small_papers, "cnn") is None
    assert (found(small_papers, "svm").state, found(small_papers, "svm").value) == (
        "published",
        None,
    )


@pytest.mark.parametrize(
    ("row", "facts", "state", "note"),
    [
        ("cnn", {"n_folds": 3}, "part", "3 of 10 folds"),
        ("cnn", {"n_folds": 2, "n_restarts": 2, "profile": "quick"}, "part", QUICK),
        ("svm", {"changed": {"models.svm.c": 0.5}}, "part", "c=0.5"),
        ("svm", {"family": "compare"}, "whole", ""),
        ("svm", {"family": "musicnn_top100"}, "unranked", ""),
        ("svm", {"family": "panda1714", "columns": {"subset": "top100"}}, "unranked", ""),
        ("svm_smote_leak", {}, "unranked", "a leak"),
        ("svm", {"columns": {"select": "chi2", "leak": "before_split"}}, "unranked", ""),
        ("mlp", {"fidelity": "released"}, "unranked", ""),
        ("constant", {}, "constant", ""),
    ],
)
def test_what_is_not_comparable_says_why(small_papers, write_result, row, facts, state, note):
    write_result(row, 0.5, **facts)
    score = found(small_papers, row)
    assert (score.state, score.note) == (state, note)


def test_a_run_of_uncommitted_code_says_so(small_papers, write_result, tmp_path):
    write_result("svm", 0.76)
    record = tmp_path / "metrics/experiments/p/svm_4qaed.record.json"
    write_json(record, {"commit": "1234567-dirty"})
    assert found(small_papers, "svm").note == "run from uncommitted code"


def test_a_title_that_goes_on_from_another_is_written_out(small_papers):
    table = small_papers.tables["p_table1"]
    assert scores.title(table, "svm_smote_leak") == "SVM and SMOTE before the split"
    assert scores.title(table, "cnn") == "CNN"
