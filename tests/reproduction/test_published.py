"""Which cells of published tables are of the system of a run."""

from conftest import ROOT
from helpers.ledger import SVM
from mer.reproduction import published, spec

PAPERS = spec.load(ROOT / "papers")
RUN = {**SVM, "protocol": "cv10x10", "f1_macro": 0.76}


def test_the_cell_of_the_same_system_is_found():
    (found,) = published.figures(PAPERS, RUN)
    assert (found.row, found.column, found.score) == ("SVM Baseline", "Original-4QAED", "f1_macro")
    assert (found.published, found.ours) == (0.7559, 0.76)


def test_another_protocol_corpus_or_setting_is_another_system():
    others = (
        {"protocol": "grouped"},
        {"dataset": "demo_4qaed"},
        {"family": "essentia"},
        {"changed": {"models.svm.c": 2.0}},
        {"changed": None},  # not known
        {"columns": {"select": "chi2", "k": 10}},
        {"fidelity": "released"},
    )
    assert [published.figures(PAPERS, RUN | other) for other in others] == [[]] * len(others)


def test_another_seed_is_the_same_system():
    run = RUN | {"seed": 7, "changed": {"seed": 7}}
    assert published.figures(PAPERS, run) == published.figures(PAPERS, RUN)
