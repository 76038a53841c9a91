"""mer runs: the selected run, DVC's experiments and the ledger beside each other."""

import argparse
import io
import json
import subprocess

import numpy as np
import pytest
from rich.console import Console

from conftest import ROOT
from helpers.clone import copy_params, edit
from mer.cli import _systems, runs
from mer.errors import MerError
from mer.metrics import corrected_t_test
from mer.pipeline import provenance
from mer.reproduction import results, spec
from mer.reproduction.spec import Paper, Papers
from mer.selection import selected

FACTS = {
    "model": "svm",
    "family": "compare",
    "view": "none",
    "augment": "none",
    "dataset": "demo",
    "target": "quadrant",
    "protocol": "grouped",
    "fidelity": "described",
    "profile": "demo",
    "seed": 1,
    "n_clips": 48,
    "n_folds": 4,
    "test_per_train": 1 / 3,
    "f1_macro": 0.6,
    "f1_macro_sd": 0.05,
    "ci_low": 0.5,
    "ci_high": 0.7,
}
SVM, CNN = [0.6, 0.5, 0.7, 0.6], [0.9, 0.7, 0.8, 0.8]


def git(*words: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def write(path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with an SVM as the selected run, a CNN as an experiment of DVC, and a ledger."""
    monkeypatch.chdir(tmp_path)
    paper = Paper(title="t", authors="a", url=None)
    monkeypatch.setattr(spec, "load", lambda: Papers(papers={"louro": paper}, tables={}))
    params = copy_params(ROOT, tmp_path)
    edit(params, model="svm")
    git("init", "--quiet")
    write(_systems.RUN, {**FACTS, "model": "cnn", "f1_macro": 0.8})
    write(_systems.FOLDS, {"f1_macro": CNN})
    git("add", ".")
    git("commit", "--quiet", "-m", "an experiment")
    digest = "0123456789abcdef0123456789abcdef01234567"
    git("update-ref", f"refs/exps/{digest[:2]}/{digest[2:]}/nutty-tums", "HEAD")
    git("update-ref", "refs/exps/exec/EXEC_HEAD", "HEAD")
    edit(params, models__svm__c=0.5)
    write(_systems.RUN, FACTS | provenance.digest(selected()))
    write(_systems.FOLDS, {"f1_macro": SVM})
    ledger = results.LEDGER / "louro"
    other = {**FACTS, "dataset": "4qaed", "f1_macro": 0.7, "folds": {"f1_macro": SVM}}
    leak = {**other, "augment": "smote_leak", "f1_macro": 0.9, "folds": {"f1_macro": CNN}}
    leaky_columns = {"select": "chi2", "leak": "before_split"}
    ranked = {**leak, "augment": "none", "columns": leaky_columns, "f1_macro": 0.85}
    better = {**other, "f1_macro": 0.75, "folds": {"f1_macro": np.add(SVM, 0.1).tolist()}}
    released = {**better, "fidelity": "released", "f1_macro": 0.8}
    found = {"svm": other, "svm_leak": leak, "svm_ranked": ranked, "svm_better": better}
    found["svm_released"] = released
    for key, facts in found.items():
        write(ledger / f"{key}.json", facts)
        write(ledger / f"demo_{key}.json", facts)
        write(ledger / f"{key}.record.json", {"commit": "abc"})
    write(ledger / "hybrid.json", {"absent": "no audio"})
    return tmp_path


def listed(*words: str, against: str | None = None) -> list[str]:
    console = Console(file=io.StringIO())
    runs.run(console, argparse.Namespace(words=words, against=against))
    return console.file.getvalue().splitlines()


def line(name: str, *words: str, against: str | None = None) -> str:
    return next(line for line in listed(*words, against=against) if line.split()[:1] == [name])


def test_runs_of_the_same_folds_are_tested_against_the_best(project):
    assert listed("demo,")[0].strip() == "demo, quadrant, grouped: 48 clips, 4 folds, seed 1"
    assert " ".join(line("nutty-tums").split()) == (
        "nutty-tums cnn compare 0.8000 ± 0.0500 0.5000–0.7000"
    )
    p = corrected_t_test(SVM, CNN, 1 / 3)
    assert line("selected").split()[-1] == f"{p:.4f}"
    assert "svm compare (c=0.5)" in line("selected")


def test_what_a_run_has_changed_follows_the_commits(project):
    edit(project / "params.yaml", quarantine__max_fraction=0.2)
    write(_systems.RUN, FACTS | provenance.digest(selected()))
    assert "(c=0.5, max_fraction=0.2)" in line("selected")
    git("commit", "--quiet", "--all", "-m", "c")
    assert "c=0.5" not in line("selected")
    assert "max_fraction=0.1" in line("nutty-tums")
    edit(project / "params.yaml", models__svm__c=4.0)
    assert "parameters unknown" in " ".join(listed())


def test_runs_are_tested_against_a_named_one(project):
    p = corrected_t_test(SVM, CNN, 1 / 3)
    assert line("nutty-tums", against="selected").split()[-1] == f"{p:.4f}"
    shown = listed(against="selected")
    assert not [one for one in shown if one.startswith("svm_better")]
    assert " ".join(shown[-2:]).startswith(
        "p: corrected resampled t-test, on the same folds, against s"
    )
    with pytest.raises(
        MerError, match=r"a run of the list, and 'nobody' is none; `mer runs` lists"
    ):
        listed(against="nobody")


def test_runs_of_other_test_clips_stand_in_tables_of_their_own(project):
    for name, path in (
        ("selected", _systems.FOLDS),
        ("better", "metrics/experiments/louro/b.json"),
    ):
        scores = {"f1_macro": SVM, "test_sha256": [f"{name} {fold}" for fold in range(4)]}
        facts = {**FACTS, "folds": scores} if name == "better" else scores
        write(project / path, facts)
    titles = [one.strip() for one in listed("demo,") if "48 clips" in one]
    assert len(titles) == 2
    assert "(other folds than above" in titles[1]
    assert "(other folds" not in titles[0]


def test_the_run_of_the_last_commit_is_listed_where_another_is_selected(project):
    """As after ``dvc exp run -S``: a change is seen beside what it was a change of."""
    assert " ".join(line("HEAD").split()).startswith("HEAD cnn compare 0.8000 ± 0.0500")
    git("commit", "--quiet", "-a", "-m", "the selected run")
    assert not [one for one in listed() if one.startswith("HEAD")]


@pytest.mark.parametrize("text", ["<<<<<<< HEAD", "[1]", '{"f1_macro": 1}'])
def test_results_of_another_form_in_a_commit_are_left_out(project, text):
    _systems.RUN.write_text(text)
    git("commit", "--quiet", "-a", "-m", "damaged")
    write(_systems.RUN, FACTS)
    assert "selected" in " ".join(listed())
    assert not [one for one in listed() if one.startswith("HEAD")]


def test_the_same_results_are_listed_once_where_scores_of_folds_are_not_committed(project):
    git("rm", "--quiet", "--cached", str(_systems.FOLDS))
    git("commit", "--quiet", "-a", "-m", "without folds")
    assert not [one for one in listed() if one.startswith("HEAD")]


def test_systems_that_predict_values_are_ranked_by_their_concordance(project):
    facts = {k: v for k, v in FACTS.items() if not k.startswith("f1_macro")}
    values = {**facts, "dataset": "deam", "target": "valence_arousal", "ccc_sd": 0.02}
    for key, family, folds in (("low", "compare", SVM), ("high", "musicnn", CNN)):
        scored = {**values, "family": family, "ccc": np.mean(folds), "folds": {"ccc": folds}}
        write(results.LEDGER / "louro" / f"{key}.json", scored)
    shown = listed("deam")
    assert shown[0].strip() == "deam, valence_arousal, grouped: 48 clips, 4 folds, seed 1"
    assert "CCC" in shown[1]
    assert [one.split()[0] for one in shown[2:4]] == ["high", "low"]
    p = corrected_t_test(SVM, CNN, 1 / 3)
    assert line("low", "deam").split()[-1] == f"{p:.4f}"


def test_words_that_no_system_has_are_named(project):
    with pytest.raises(MerError, match=r"all of these words: demo nosuchword; `mer runs` lists"):
        listed("demo", "nosuchword")


def test_a_leak_is_no_reference(project):
    order = [one.split()[0] for one in listed("4qaed") if one.strip().startswith("svm_")]
    assert order == ["svm_leak", "svm_ranked", "svm_released", "svm_better"]
    assert "svm compare released" in line("svm_released", "4qaed")
    assert line("svm_better", "4qaed").rstrip().endswith("0.5000–0.7000")
    p = corrected_t_test(CNN, np.add(SVM, 0.1), 1 / 3)
    assert line("svm_leak", "4qaed").split()[-1] == f"{p:.4f}"


def test_it_lists_no_miniature_of_the_ledger_and_nothing_absent(project):
    text = "\n".join(listed())
    assert "demo_svm" not in text
    assert "hybrid" not in text


def test_lines_have_at_most_100_characters(project):
    write(results.LEDGER / "louro" / f"{'long_' * 12}key.json", {**FACTS, "dataset": "4qaed"})
    assert max(map(len, listed())) <= 100


def test_words_choose(project):
    assert not any("nutty-tums" in one for one in listed("svm"))
    assert any("selected" in one for one in listed("svm", "c=0.5"))


def test_an_experiment_of_papers_is_not_listed_with_the_scores_of_the_selected_run(project):
    git("commit", "--quiet", "--allow-empty", "-m", "an experiment of papers")
    digest = "89abcdef0123456789abcdef0123456789abcdef"
    git("update-ref", f"refs/exps/{digest[:2]}/{digest[2:]}/lossy-smew", "HEAD")
    assert "nutty-tums" in " ".join(listed())
    assert "lossy-smew" not in " ".join(listed())


def test_a_single_training_has_no_deviation(project):
    one = {**FACTS, "dataset": "pmemo", "n_folds": 1, "f1_macro": 0.7, "folds": {"f1_macro": [0.7]}}
    write(results.LEDGER / "louro" / "one.json", one)
    assert "±" in line("svm")
    assert "±" not in line("one")


def test_settings_of_an_experiment_are_shown_without_the_lists_of_a_grid():
    settings = "set.search=grid set.grid_c=[1,4] columns.k=100"
    assert _systems.system_text({**FACTS, "settings": settings}) == "svm compare set.search=grid"


@pytest.mark.parametrize(
    ("text", "message"),
    [("[1]", "must be a JSON object"), ('{"f1_macro": 1}', "must have the key 'model'")],
)
def test_a_damaged_file_of_the_ledger_is_named(project, text, message):
    path = results.LEDGER / "louro" / "svm.json"
    path.write_text(text)
    with pytest.raises(MerError, match=rf"svm\.json {message}.*git checkout"):
        listed()


def test_a_folder_without_a_project_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "papers").mkdir()
    with pytest.raises(MerError, match=r"params\.yaml is not in "):
        listed()
