"""docs/results.md and the results in README.md are those of the ledger."""

import pytest

from conftest import ROOT
from mer.io.files import read_json
from mer.reproduction import results_page, spec

LEDGER = ROOT / "metrics/experiments"


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_the_committed_pages_are_what_the_ledger_gives():
    every = spec.load()
    text = results_page.README.read_text(encoding="utf-8")
    for page, wanted in (
        (results_page.PAGE, results_page.page(every)),
        (results_page.README, results_page.readme(every, text)),
    ):
        committed = page.read_text(encoding="utf-8")
        assert committed == wanted, f"{page} is stale; run `python stages/results_page.py`"


def test_every_result_of_a_real_corpus_is_on_the_page_and_none_of_a_demo():
    page = results_page.PAGE.read_text(encoding="utf-8")
    for path in sorted(LEDGER.glob("*/*.json")):
        facts = read_json(path)
        if {"f1_macro", "ccc"} & facts.keys() and not path.stem.startswith("demo_"):
            assert f"| `{path.stem}` |" in page
            assert f"@{path.stem}\n" in page
    assert "demo_" not in page.partition("## ")[2]


@pytest.mark.parametrize(
    ("key", "changes", "settings"),
    [
        ("svm_4qaed", {}, "-S miniature= -S papers_profile=paper "),
        (
            "cnn_4qaed",
            {"profile": "quick", "n_folds": 10},
            "-S miniature= -S papers_profile=quick ",
        ),
        (
            "crnn_4qaed",
            {"profile": "quick", "n_folds": 2, "n_restarts": 2, "max_epochs": 6},
            "-S papers_profile=quick -S profiles.quick.max_folds=1 -S profiles.quick.max_epochs=6 ",
        ),
        (
            "svm_4qaed",
            {"protocol": "tvt_70_15_15", "n_folds": 1},
            "-S miniature= -S papers_profile=paper ",
        ),
        (
            "svm_4qaed",
            {"n_folds": 3},
            "-S miniature= -S papers_profile=paper ",
        ),
        (
            "svm_4qaed",
            {"changed": {"models.svm.c": 0.5, "views.louro.n_mels": 64}},
            "-S papers_profile=paper -S models.svm.c=0.5 -S params/views.yaml:views.louro.n_mels=64 ",
        ),
        ("svm_4qaed", {"changed": {"seed": 7}}, "-S papers_profile=paper -S seed=7 "),
    ],
)
def test_a_command_has_the_profile_and_how_it_was_cut_short(key, changes, settings):
    facts = {"profile": "paper", "protocol": "cv10x10", "n_folds": 100} | changes
    command = results_page.command(spec.load(), key, facts)
    assert f"{settings}papers/louro_improving/dvc.yaml:experiment@{key}" in command
