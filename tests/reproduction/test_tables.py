"""A published table beside ours."""

import json
import math
from itertools import combinations

import pandas as pd
import pytest
from scipy import stats

from conftest import ROOT
from mer.errors import MerError
from mer.io.files import write_json
from mer.metrics import corrected_t_test
from mer.pipeline.run_record import write_record
from mer.reproduction import pairing, spec, table_files, tables
from mer.reproduction import results as ledger
from mer.reproduction.spec import Papers
from mer.splits import split
from mer.types import FOLDS_AND_REPEATS

EVERY = spec.load(ROOT / "papers")
FACTS = {
    "dataset": "4qaed",
    "target": "quadrant",
    "protocol": "song_80_20",
    "profile": "paper",
    "seed": 1,
    "n_clips": 40,
    "n_folds": 4,
    "test_per_train": 1 / 3,
}
SVM = {**FACTS, "f1_macro": 0.75, "f1_macro_sd": 0.05, "f1_macro_low": 0.7, "f1_macro_high": 0.8}
SVM["folds"] = {"f1_macro": [0.7, 0.8, 0.75, 0.75]}
CNN = {**FACTS, "f1_macro": 0.6, "f1_macro_sd": 0.1, "folds": {"f1_macro": [0.5, 0.7, 0.55, 0.65]}}
COMPOSITION = {
    "paper": "p",
    "model": "svm",
    "target": "quadrant",
    "view": "none",
    "family": "top100",
    "augment": "none",
    "augmented": "none/none",
    "protocol": "cv10",
    "fidelity": "described",
    "settings": "",
    "dataset": "4qaed",
}


@pytest.fixture
def every():
    """One table of F1 (tested against the SVM), one of counts; one row without a composition."""
    common = {"paper": "p", "title": "Table", "protocol": "ten folds"}
    scores = {
        "metrics": ["f1_macro"],
        "reference": "svm",
        "columns": {"4qaed": {"title": "4QAED"}},
        "rows": {
            "svm": {"title": "SVM", "published": {"f1_macro": {"4qaed": 0.7559}}},
            "cnn": {"title": "CNN", "note": "another <view>"},
            "openl3": {
                "title": "OpenL3",
                "why": "weights not there",
                "published": {"f1_macro": {"4qaed": 0.557}},
            },
        },
    }
    counts = {
        "metrics": ["n_clips"],
        "experiment": "{row}_counts",
        "figure": "{metric}_{column}",
        "columns": {"q1": {"title": "Q1"}, "total": {"title": "Total"}},
        "rows": {"4qaed": {"title": "4QAED", "published": {"n_clips": {"q1": 225, "total": 900}}}},
    }
    return Papers.model_validate(
        {
            "papers": {"p": {"title": "Paper", "authors": "Someone", "url": None}},
            "tables": {"p_table1": {**common, **scores}, "p_table2": {**common, **counts}},
            "experiments": {"svm_4qaed": COMPOSITION, "cnn_4qaed": COMPOSITION},
            "counts": {"4qaed_counts": {"paper": "p", "dataset": "4qaed"}},
        }
    )


def cells(every, name, **found):
    return tables.cells(every.tables[name], lambda key: found.get(f"_{key}", {}))


def test_a_cell_holds_ours_beside_the_published(every):
    found = cells(every, "p_table1", _svm_4qaed={"": SVM})
    assert found["svm"]["4qaed"] == {
        "f1_macro": 0.75,
        "f1_macro_sd": 0.05,
        "f1_macro_low": 0.7,
        "f1_macro_high": 0.8,
        "f1_macro_published": 0.7559,
        "n_clips": 40,
        "n_folds": 4,
    }
    assert found["openl3"]["4qaed"] == {"f1_macro_published": 0.557}
    assert found["cnn"]["4qaed"] == {}


def test_a_demo_figure_never_stands_where_a_real_one_does(every):
    demo = {**SVM, "dataset": "demo_4qaed", "profile": "demo", "f1_macro": 1.0}
    found = cells(every, "p_table1", _svm_4qaed={"demo_": demo})["svm"]["4qaed"]
    assert "f1_macro" not in found
    assert "n_clips" not in found
    assert (found["demo_f1_macro"], found["demo_n_clips"]) == (1.0, 40)


def test_a_figure_of_trainings_cut_short_says_so(every, tmp_path):
    short = {**CNN, "profile": "quick", "n_folds": 1, "max_epochs": 25}
    write_json(tmp_path / "p" / "cnn_4qaed.json", short)
    found = ledger.results("p", "cnn_4qaed", tmp_path)
    assert list(found) == ["quick_"]
    cell = cells(every, "p_table1", _cnn_4qaed=found)["cnn"]["4qaed"]
    assert (cell["quick_changed"], cell["quick_n_folds"]) == ("max_epochs=25", 1)
    shown = table_files.figures(every.tables["p_table1"], cell, "f1_macro")["incomparable"]
    assert shown == "quick 0.6000 (max_epochs=25)"  # of one training, which has no deviation


def test_a_metric_is_not_listed_under_the_one_that_its_name_ends_with(every):
    table = every.tables["p_table1"].model_copy(update={"metrics": ("f1_macro", "clip_f1_macro")})
    cell = {"f1_macro": 0.7, "clip_f1_macro": 0.8, "demo_f1_macro": 0.9, "demo_clip_f1_macro": 1.0}
    assert table_files.incomparable_scores(table, cell, "f1_macro") == {"demo_": "demo 0.9000"}
    assert table_files.incomparable_scores(table, cell, "clip_f1_macro") == {"demo_": "demo 1.0000"}


def test_changed_parameters_under_the_whole_profile_are_not_the_papers(every, tmp_path):
    changed = {"models.cnn.training.max_epochs": 3, "views.louro.n_mels": 64}
    facts = {**CNN, "protocol": "cv10x10", "changed": changed}
    write_json(tmp_path / "p" / "cnn_4qaed.json", facts)
    found = ledger.results("p", "cnn_4qaed", tmp_path)
    assert list(found) == ["part_"]
    cell = cells(every, "p_table1", _cnn_4qaed=found)["cnn"]["4qaed"]
    assert "f1_macro" not in cell
    shown = table_files.figures(every.tables["p_table1"], cell, "f1_macro")["incomparable"]
    assert shown == "part 0.6000 ± 0.1000 (4 of 100 folds; training.max_epochs=3, n_mels=64)"


def test_the_state_of_a_cell_names_what_was_changed(every, tmp_path, monkeypatch):
    monkeypatch.setattr(ledger.results, "__defaults__", (tmp_path,))
    changed = {"models.cnn.training.max_epochs": 3}
    facts = {**CNN, "protocol": "cv10x10", "changed": changed}
    write_json(tmp_path / "p" / "cnn_4qaed.json", facts)
    state = ledger.state(every, every.tables["p_table1"], "cnn", "4qaed")
    assert state == ("in part", "profile=paper, 4 of 100 folds, training.max_epochs=3")


def test_changed_parameters_with_the_same_key_keep_their_sections():
    changed = {"views.louro.sample_rate": 22050, "corpora.4qaed.sample_rate": 44100}
    found = ledger.changed_parameters({"changed": {**changed, "models.svm.c": 4}})
    assert found == "views.louro.sample_rate=22050, corpora.4qaed.sample_rate=44100, c=4"


@pytest.mark.parametrize("same", [True, False])
def test_a_record_of_other_scores_is_left_out(tmp_path, same):
    """DVC puts back the scores of an earlier run from its cache, and not their record."""
    scores = tmp_path / "p" / "cnn_4qaed.json"
    write_json(scores, CNN)
    write_record(scores, {"commit": "abc1234"})
    if not same:
        write_json(scores, {**CNN, "f1_macro": 0.1})
    (facts,) = ledger.results("p", "cnn_4qaed", tmp_path).values()
    assert facts.get("commit") == ("abc1234" if same else None)


def test_runs_whose_time_was_up_are_not_paired(every):
    """They do not say which of their folds ended."""
    ours, theirs = {**SVM, "n_folds_planned": 10}, {**CNN, "n_folds_planned": 10}
    assert pairing.paired_tests(SVM, CNN, "f1_macro")
    assert not pairing.paired_tests(ours, theirs, "f1_macro")


def test_runs_are_paired_where_their_folds_have_the_same_test_clips(every):
    ours, other = ([f"{letter}{number}" for number in range(10)] for letter in "ab")
    svm, cnn, moved = (
        {**facts, "folds": {**facts["folds"], "test_sha256": digests}}
        for facts, digests in ((SVM, ours), (CNN, ours), (CNN, other))
    )
    expected = pairing.paired_tests(SVM, CNN, "f1_macro")
    assert pairing.paired_tests(svm, cnn, "f1_macro") == expected
    assert pairing.paired_tests(svm, CNN, "f1_macro") == expected  # an old result has no digests
    assert not pairing.paired_tests(svm, moved, "f1_macro")
    ended = [{**facts, "n_folds_planned": 12} for facts in (svm, cnn, moved)]
    assert pairing.paired_tests(ended[0], ended[1], "f1_macro") == expected
    assert not pairing.paired_tests(ended[0], ended[2], "f1_macro")


def test_parameters_that_nobody_could_compare_are_not_the_papers(tmp_path):
    write_json(tmp_path / "p" / "cnn_4qaed.json", {**CNN, "changed": None})
    (facts,) = ledger.results("p", "cnn_4qaed", tmp_path).values()
    assert "parameters unknown" in ledger.changed_parameters(facts)
    assert "part_" in ledger.results("p", "cnn_4qaed", tmp_path)


def test_a_run_of_uncommitted_code_says_so(every, tmp_path):
    write_json(tmp_path / "p" / "svm_4qaed.json", SVM)
    notes = []
    for commit in ("abc1234", "abc1234-dirty"):
        write_json(tmp_path / "p" / "svm_4qaed.record.json", {"commit": commit})
        found = ledger.results("p", "svm_4qaed", tmp_path)
        cell = cells(every, "p_table1", _svm_4qaed=found)["svm"]["4qaed"]
        notes.append(table_files.note(every.tables["p_table1"], "svm", cell))
    assert notes == ["", "run from uncommitted code"]


def test_the_committed_fold_of_ten_seconds_says_with_which_parameters_it_ran():
    key = EVERY.tables["he_two_stage_table5"].key("4qaed_10s", "valence")
    assert key == "4qaed_10s_valence"
    (facts,) = (f for p, f in ledger.results("he_two_stage", key).items() if p == "quick_")
    assert ledger.changed_parameters(facts) == "restarts=1, autoencoder.max_epochs=25, max_folds=1"


def test_counts_take_their_figure_by_column(every):
    counted = {"n_clips_q1": 224, "n_clips_total": 899}
    found = cells(every, "p_table2", _4qaed_counts={"": counted})["4qaed"]
    assert found["q1"] == {"n_clips": 224, "n_clips_published": 225}
    assert found["total"] == {"n_clips": 899, "n_clips_published": 900}


def test_other_rows_are_tested_against_the_reference(every):
    found = cells(every, "p_table1", _svm_4qaed={"": SVM}, _cnn_4qaed={"": CNN})
    expected = corrected_t_test(CNN["folds"]["f1_macro"], SVM["folds"]["f1_macro"], 1 / 3)
    assert found["cnn"]["4qaed"]["f1_macro_p"] == {"svm": pytest.approx(expected, abs=1e-4)}
    assert "f1_macro_p" not in found["svm"]["4qaed"]


def test_students_paired_test_stands_beside_the_corrected_one(every):
    found = cells(every, "p_table1", _svm_4qaed={"": SVM}, _cnn_4qaed={"": CNN})["cnn"]["4qaed"]
    expected = stats.ttest_rel(CNN["folds"]["f1_macro"], SVM["folds"]["f1_macro"]).pvalue
    assert found["f1_macro_p_student"]["svm"] == pytest.approx(expected, abs=1e-4)
    assert found["f1_macro_p_student"]["svm"] < found["f1_macro_p"]["svm"]


def test_a_row_may_name_its_experiments_figures_and_reference(every):
    table = every.tables["p_table1"]
    other = {
        "experiments": {"4qaed": "svm_4qaed"},
        "figures": {"f1_macro": "f1_macro_high"},
        "references": ("cnn",),
    }
    row = table.rows["svm"].model_copy(update=other)
    changed = table.model_copy(update={"rows": {**table.rows, "other": row}})
    assert changed.key("other", "4qaed") == "svm_4qaed"
    figures = {"folds": {"f1_macro_high": [0.1, 0.4, 0.3, 0.2]}, "f1_macro_high": 0.8}
    ours = {**FACTS, **figures, "f1_macro": 0.7}
    theirs = {**CNN, "folds": {"f1_macro_high": [0.2, 0.1, 0.1, 0.1]}}
    results = {"svm_4qaed": {"": ours}, "cnn_4qaed": {"": theirs}}
    found = tables.cells(changed, lambda key: results.get(key, {}))["other"]["4qaed"]
    expected = corrected_t_test([0.1, 0.4, 0.3, 0.2], [0.2, 0.1, 0.1, 0.1], 1 / 3)
    assert found["f1_macro"] == 0.8
    assert found["f1_macro_p"] == {"cnn": pytest.approx(expected, abs=1e-4)}


def test_a_metric_that_an_experiment_does_not_have_is_named(every):
    table = every.tables["p_table1"].model_copy(update={"metrics": ("f1macro",)})
    message = "the metric 'f1macro' of the cell 'svm', '4qaed' must be a figure of 'svm_4qaed'"
    with pytest.raises(MerError, match=message):
        tables.cells(table, lambda key: {"svm_4qaed": {"": FACTS}}.get(key, {}))


CLAIMS = {
    ("louro_improving_table1", "cnn_tfm"): ("cnn",),
    ("louro_improving_table1", "cnn_sb"): ("cnn",),
    ("louro_improving_table1", "cnn_rg"): ("cnn",),
    ("louro_improving_table1", "cnn"): ("svm",),
    ("louro_improving_table1", "svm"): (),
    ("he_two_stage_heads", "bilstm"): ("lstm", "gru"),
    ("he_two_stage_table6", "ae_bilstm"): ("cnn_bilstm",),
    ("pandrea_sincnet_table", "mlp_combined"): ("mlp_essentia", "mlp_compare"),
    ("pandrea_sincnet_table", "sincnet_500ms"): ("sincnet_200ms",),
}


@pytest.mark.parametrize(("table", "row"), CLAIMS)
def test_a_claim_is_tested_against_the_row_that_the_paper_compares_with(table, row):
    assert EVERY.tables[table].references(row) == CLAIMS[table, row]


@pytest.mark.parametrize(("corpus", "lengths"), [("pmemo", (1, 3, 5, 10)), ("4qaed", (3, 5, 10))])
def test_every_pair_of_segment_durations_is_tested_once(corpus, lengths):
    table = EVERY.tables["he_two_stage_table5"]
    rows = [f"{corpus}_{length}s" for length in lengths]
    tested = [frozenset((row, other)) for row in rows for other in table.references(row)]
    assert sorted(map(sorted, tested)) == sorted(map(sorted, combinations(rows, 2)))


def test_the_gains_by_quadrant_stand_in_the_table_of_merge():
    assert {"f1_q3", "f1_q4"} < set(EVERY.tables["louro_merge_table2"].metrics)


def test_folds_are_shown_as_means_over_their_restarts(every):
    table = every.tables["p_table1"].model_copy(update={"folds": True})
    facts = {**SVM, "n_restarts": 2, "folds": {"f1_macro": [0.1, 0.2, 0.3, 0.6]}}
    found = tables.cells(table, lambda key: {"": facts} if key == "svm_4qaed" else {})
    assert found["svm"]["4qaed"]["f1_macro_folds"] == [0.2, 0.4]


@pytest.mark.parametrize(("more", "shown"), [({}, "40 / 4"), ({"n_restarts": 2}, "40 / 2 / 2")])
def test_restarts_are_told_from_folds(every, tmp_path, monkeypatch, more, shown):
    monkeypatch.chdir(tmp_path)
    write_json(ledger.LEDGER / "p/svm_4qaed.json", {**SVM, **more})
    tables.write(every, "p_table1", tmp_path / "t.json", tmp_path / "out")
    text = (tmp_path / "out/table.md").read_text()
    assert f"| {shown} |" in text
    assert "ours ± sd over folds and restarts" in text
    cell = json.loads((tmp_path / "t.json").read_text())["svm"]["4qaed"]
    assert cell.get("n_restarts") == more.get("n_restarts")


def test_times_come_from_the_record_with_the_devices_name(every, tmp_path):
    write_json(tmp_path / "p/a.json", {"profile": "paper"})
    timing = {"stage1_seconds_per_epoch": 2.5}
    write_json(tmp_path / "p/a.record.json", {"device": "NVIDIA H200", "timing": timing})
    facts = ledger.results("p", "a", tmp_path)
    changes = {"timed": True, "metrics": ("seconds_per_epoch",), "figure": "stage1_{metric}"}
    table = every.tables["p_table1"].model_copy(update=changes)
    found = tables.cells(table, lambda key: facts if key == "svm_4qaed" else {})["svm"]["4qaed"]
    assert found == {"seconds_per_epoch": 2.5, "device": "NVIDIA H200"}


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": "grouped"},
        {"seed": 2},
        {"n_clips": 39},
        {"n_restarts": 5},
        {"test_per_train": 1 / 9},
    ],
)
def test_scores_of_other_folds_are_not_paired(every, change):
    found = cells(every, "p_table1", _svm_4qaed={"": SVM}, _cnn_4qaed={"": {**CNN, **change}})
    assert "f1_macro_p" not in found["cnn"]["4qaed"]


@pytest.mark.parametrize(
    ("file", "profile", "prefix"),
    [
        ("a", "paper", ""),
        ("a", "quick", "quick_"),
        ("a", "demo", "demo_"),
        ("demo_a", "demo", "demo_"),
        ("demo_a", "paper", "demo_"),
    ],
)
def test_only_the_whole_protocol_on_the_real_corpus_counts(tmp_path, file, profile, prefix):
    write_json(tmp_path / "p" / f"{file}.json", {"profile": profile})
    assert ledger.results("p", "a", tmp_path) == {prefix: {"profile": profile}}


@pytest.mark.parametrize(
    ("protocol", "n_folds", "n_restarts", "missing"),
    [
        ("grouped", 10, 1, 90),
        ("grouped", 100, 1, 0),
        ("cv10", 10, 1, 0),
        ("cv10", 25, 5, 5),
        ("song_80_20", 10, 10, 0),
    ],
)
def test_a_run_is_whole_with_every_fold_of_its_protocol(
    tmp_path, protocol, n_folds, n_restarts, missing
):
    """Whatever its profile says: ten of a hundred folds were filed as done once."""
    facts = {"profile": "paper", "protocol": protocol, "n_folds": n_folds, "n_restarts": n_restarts}
    assert ledger.missing_folds(facts) == missing
    write_json(tmp_path / "p/a.json", facts)
    assert list(ledger.results("p", "a", tmp_path)) == ["part_" if missing else ""]


def test_a_run_of_the_folds_of_a_corpus_is_whole_unless_some_of_its_plan_are_missing():
    facts = {"profile": "paper", "protocol": "own", "n_folds": 2}
    assert ledger.share_of_protocol(facts) == ""
    assert ledger.share_of_protocol(facts | {"n_folds_planned": 10}) == "2 of 10 folds"


@pytest.mark.parametrize(("n_folds", "share"), [(2, "2 of 5 restarts"), (1, "1 of 5 restarts")])
def test_a_run_that_lacks_restarts_is_in_part(tmp_path, n_folds, share):
    facts = {"profile": "paper", "protocol": "song_80_20", "n_folds": n_folds}
    facts |= {"n_restarts": n_folds} if n_folds > 1 else {}
    facts["n_restarts_planned"] = 5
    assert ledger.share_of_protocol(facts) == share
    write_json(tmp_path / "p/a.json", facts)
    assert list(ledger.results("p", "a", tmp_path)) == ["part_"]


@pytest.mark.parametrize("protocol", ["cv10x10", "grouped", "cv10", "song_80_20"])
def test_protocols_have_as_many_folds_as_the_ledger_expects(corpus, protocol):
    assert len(split(corpus, protocol, seed=1)) == math.prod(FOLDS_AND_REPEATS[protocol])


def test_a_written_table_shows_both_figures_and_every_reason(every, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = ledger.LEDGER / "p"
    write_json(folder / "svm_4qaed.json", SVM)
    write_json(folder / "demo_svm_4qaed.json", {**SVM, "f1_macro": 1.0, "profile": "demo"})
    tables.write(every, "p_table1", tmp_path / "t.json", tmp_path / "out")
    assert json.loads((tmp_path / "t.json").read_text())["svm"]["4qaed"]["f1_macro"] == 0.75
    text = (tmp_path / "out/table.md").read_text()
    assert "metric: f1 macro; corpus: 4qaed; our protocol: cv10" in text
    (svm,) = (line for line in text.splitlines() if line.startswith("| SVM"))
    for part in ("0.7559", "0.7500 ± 0.0500", "-0.0059", "0.7000–0.8000", "40 / 4"):
        assert f"| {part} |" in svm
    assert "demo 1.0000 ± 0.0500" in svm
    assert "weights not there" in text
    html = (tmp_path / "out/table.html").read_text()
    assert "another &lt;view&gt;" in html
    assert "0.7500 ± 0.0500" in html


def test_a_cell_without_an_input_says_which(every, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reason = "no weights in a.pth"
    write_json(ledger.LEDGER / "p/demo_cnn_4qaed.json", {"absent": reason, "profile": "demo"})
    write_json(ledger.LEDGER / "p/svm_4qaed.json", SVM)
    every.tables["p_table1"] = every.tables["p_table1"].model_copy(update={"folds": True})
    tables.write(every, "p_table1", tmp_path / "t.json", tmp_path / "out")
    assert json.loads((tmp_path / "t.json").read_text())["cnn"]["4qaed"] == {"demo_absent": reason}
    text = (tmp_path / "out/table.md").read_text()
    assert f"- CNN: {reason}; another <view>" in text


def test_columns_without_a_value_are_left_out(every, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json(ledger.LEDGER / "p/svm_4qaed.json", SVM)
    tables.write(every, "p_table1", tmp_path / "t.json", tmp_path / "out")
    text = (tmp_path / "out/table.md").read_text()
    heading = (
        "| system | published | ours ± sd over folds and restarts | difference | 95 % interval"
    )
    assert f"{heading} over clips | clips / folds / restarts |" in text


def test_a_difference_of_the_last_digit_is_printed_with_four_digits(every):
    table = every.tables["p_table1"]
    cell = {"f1_macro": 0.7560, "f1_macro_published": 0.7559}
    assert table_files.figures(table, cell, "f1_macro")["difference"] == "+0.0001"


@pytest.mark.parametrize(
    ("published", "ours", "shown"),
    [
        (0.57, 0.6214, ("0.57", "0.6214", "+0.05")),
        (10800.0, 8130.4, ("10800", "8130.4", "-2670")),
        (225, 224, ("225", "224", "-1")),
        (0.00001, 0.001, ("1e-05", "0.0010", "+0.0010")),
    ],
)
def test_a_published_figure_has_the_decimals_of_the_paper(every, published, ours, shown):
    row = every.tables["p_table1"].rows["svm"]
    row = row.model_copy(update={"published": {"f1_macro": {"4qaed": published}}})
    table = every.tables["p_table1"].model_copy(update={"rows": {"svm": row}})
    cell = {"f1_macro": ours, "f1_macro_published": published}
    found = table_files.figures(table, cell, "f1_macro")
    assert (found["published"], found["ours"], found["difference"]) == shown


def test_a_table_that_no_paper_prints_has_a_protocol_of_its_own(every):
    table = every.tables["p_table1"]
    rows = {"svm": table.rows["svm"].model_copy(update={"published": {}})}
    own = table.model_copy(update={"rows": rows})
    assert table_files.protocol_line(table) == "Protocol of the published figures: ten folds."
    assert table_files.protocol_line(own) == "Protocol: ten folds."


def test_the_authors_spread_stands_beside_their_figure(every):
    table = every.tables["p_table1"]
    row = table.rows["svm"].model_copy(update={"published_sd": {"f1_macro": {"4qaed": 0.02}}})
    table = table.model_copy(update={"rows": {"svm": row}})
    cell = tables.cells(table, lambda _: {})["svm"]["4qaed"]
    assert table_files.figures(table, cell, "f1_macro")["published"] == "0.7559 ± 0.0200"


def test_a_p_value_says_how_small_it_is_and_against_which_row(every):
    table = every.tables["p_table1"]
    cell = {"f1_macro_p": {"svm": 0.0, "cnn": 0.0123}}
    assert table_files.figures(table, cell, "f1_macro")["p"] == "< 0.0001; 0.0123 (CNN)"


def test_the_table_stands_in_four_formats(every, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json(ledger.LEDGER / "p/svm_4qaed.json", SVM)
    tables.write(every, "p_table1", tmp_path / "t.json", tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out/table.csv").set_index("system")
    figures = ["column", "published", "ours", "sd", "low", "n_folds"]
    assert rows.loc["SVM", figures].tolist() == ["4QAED", 0.7559, 0.75, 0.05, 0.7, 4]
    latex = (tmp_path / "out/table.tex").read_text()
    assert r"SVM & 0.7559 & 0.7500 ± 0.0500 & -0.0059" in latex
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {
        *(".md", ".html", ".csv", ".tex")
    }


def test_the_same_results_give_the_same_bytes(every, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = []
    for name in ("one", "two"):
        tables.write(every, "p_table2", tmp_path / f"{name}.json", tmp_path / name)
        files = [tmp_path / f"{name}.json", *sorted((tmp_path / name).iterdir())]
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]


def test_committed_tables_follow_from_the_committed_ledger(tmp_path, monkeypatch):
    """Else `dvc repro -s papers/dvc.yaml:table` was forgotten."""
    monkeypatch.chdir(ROOT)
    committed, written = {}, {}
    for name in EVERY.tables:
        tables.write(EVERY, name, tmp_path / f"{name}.json", tmp_path / "readable")
        written[name] = (tmp_path / f"{name}.json").read_text()
        committed[name] = (ROOT / f"metrics/tables/{name}.json").read_text()
    assert [name for name in EVERY.tables if written[name] != committed[name]] == []


def test_markup_in_a_cell_of_markdown_is_shown_as_text():
    nasty = '<img src=x onerror="alert(1)"> a|b\nc'
    head, line, row = table_files.markdown_rows([["system", "p"], [nasty, "< 0.0001"]]).split("\n")
    assert (head, line) == ("| system | p |", "| --- | --- |")
    assert row == '| &lt;img src=x onerror="alert(1)"> a\\|b c | < 0.0001 |'
