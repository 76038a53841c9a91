"""Which cells of published tables are of the system of a run."""

from conftest import ROOT
from helpers.ledger import SVM
from mer import config
from mer.reproduction import published, spec

PAPERS = spec.load(ROOT / "papers")
RUN = {**SVM, "protocol": "cv10x10", "f1_macro": 0.76}
(PARAMS,) = config.read("models.svm", path=ROOT / "params.yaml")
(SINCNET,) = config.read("models.sincnet", path=ROOT / "params.yaml")
PARTS = {
    **{"model": "sincnet", "dataset": "4qaed_parts", "view": "none", "family": "none"},
    **{"protocol": "song_80_20", "clip_f1_macro": 0.6, "f1_macro": 0.5},
}


def test_the_cell_of_the_same_system_is_found():
    (found,) = published.figures(PAPERS, RUN, PARAMS)
    assert (found.row, found.column, found.score) == ("SVM Baseline", "Original-4QAED", "f1_macro")
    assert (found.published, found.ours) == (0.7559, 0.76)


def test_another_protocol_corpus_or_choice_of_columns_is_another_system():
    others = (
        {"protocol": "grouped"},
        {"dataset": "demo_4qaed"},
        {"family": "essentia"},
        {"columns": {"select": "chi2", "k": 10}},
        {"fidelity": "released"},
    )
    found = [published.figures(PAPERS, RUN | other, PARAMS) for other in others]
    assert found == [[]] * len(others)


def test_an_experiment_with_settings_is_of_a_run_with_their_values():
    longer = {"chunk_ms": 500, "training.batch_size": 32}
    rows = [
        {figure.row for figure in published.figures(PAPERS, SVM | PARTS, params)}
        for params in (SINCNET, config.with_values(SINCNET, longer))
    ]
    assert all(rows)
    assert rows[0].isdisjoint(rows[1])
