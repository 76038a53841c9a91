"""mer.pipeline.provenance: changed parameters leave a trace, and real results come from committed code."""

import runpy
import subprocess
from dataclasses import replace

import pytest

from conftest import ROOT
from helpers.clone import copy_params, edit
from mer import config
from mer.errors import MerError
from mer.pipeline import experiment, provenance, train
from mer.schema.feature_selection import EVERY_COLUMN
from mer.selection import Selection

SVM = Selection(
    model="svm",
    dataset="4qaed",
    target="quadrant",
    view="none",
    family="compare",
    augment="none",
    protocol="cv10x10",
    fidelity="described",
    profile="paper",
    seed=1,
)
GIVEN = {
    name: getattr(SVM, name)
    for name in ("model", "target", "view", "family", "augment", "protocol", "fidelity")
}


def git(*words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


@pytest.fixture
def params(tmp_path, monkeypatch):
    """params.yaml of a repository in which the project's params and one file of code are committed."""
    monkeypatch.chdir(tmp_path)
    path = copy_params(ROOT, tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "code.py").write_text("")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "all")
    return path


def test_committed_parameters_are_only_hashed(params):
    facts = provenance.digest(SVM)
    assert facts.keys() == {"parameters_sha256"}
    assert len(facts["parameters_sha256"]) == 12
    assert provenance.changes(SVM) == {}


def test_changed_parameters_are_named_with_their_values(params):
    before = provenance.digest(SVM)
    edit(params, models__svm__c=0.5, profiles__paper__max_folds=10, audio__min_seconds=7)
    assert provenance.changes(SVM)["changed"] == {
        "models.svm.c": 0.5,
        "profiles.paper.max_folds": 10,
        "audio.min_seconds": 7,
    }
    assert provenance.digest(SVM) != before


def test_a_commit_makes_changed_parameters_the_committed_ones_and_keeps_their_digest(params):
    """So that a run of edited parameters has the same bytes before and after they are committed."""
    edit(params, models__svm__c=0.5)
    before = provenance.digest(SVM)
    git("commit", "--quiet", "--all", "-m", "c")
    assert provenance.changes(SVM) == {}
    assert provenance.digest(SVM) == before


def test_the_parameters_of_a_commit_are_compared_with_those_of_head(params):
    git("tag", "start")
    edit(params, models__svm__c=0.5)
    git("commit", "--quiet", "--all", "-m", "c")
    edit(params, models__svm__c=4.0)
    (committed,) = config.read("models.svm", path=ROOT / "params.yaml")
    assert provenance.changes(SVM, revision="start") == {"changed": {"models.svm.c": committed.c}}
    assert provenance.changes(SVM, revision="HEAD") == {}
    assert provenance.changes(SVM, revision="nothing") == {"changed": None}


def test_a_parameter_that_is_left_to_its_default_is_a_change(params):
    text = params.read_text()
    params.write_text(text.replace("      stop_accuracy: 0.9\n", ""))
    chosen = replace(SVM, model="cnn", view="louro", family="none")
    assert provenance.changes(chosen)["changed"] == {"models.cnn.training.stop_accuracy": None}


def test_a_committed_number_with_an_exponent_is_no_change(params):
    """DVC writes 0.00001 as 1e-05."""
    text = params.read_text()
    params.write_text(text.replace("gamma: 0.001953125 ", "gamma: 1e-05 "))
    assert params.read_text() != text
    git("commit", "--quiet", "--all", "-m", "gamma")
    assert provenance.changes(SVM) == {}


def test_parameters_of_parts_that_a_run_does_not_use_are_no_change(params):
    edit(params, models__cnn__training__max_epochs=3, families__panda1714__sample_rate=8000)
    assert provenance.changes(SVM) == {}


def test_a_setting_that_the_profile_replaces_is_logged(params, caplog):
    small = replace(SVM, model="cnn", view="louro", family="none", profile="demo")
    edit(params, models__cnn__training__batch_size=16, models__cnn__training__lr=0.5)
    with caplog.at_level("WARNING", "mer"):
        changed = provenance.changes(small)["changed"]
        assert "models.cnn.training.batch_size" in changed
        assert not caplog.messages
        provenance.warn_of_replaced(changed, "demo")
        provenance.warn_of_replaced(changed, "quick")
    assert caplog.messages == [
        "models.cnn.training.batch_size has no effect: profiles.demo.batch_size=8 replaces it"
    ]


def test_the_families_of_a_join_and_the_original_of_a_segmented_corpus_count(params):
    edit(params, families__compare__peak=0.5, corpora__4qaed__sample_rate=8000)
    joined = replace(SVM, family="every_extracted")
    expected = {"families.compare.peak": 0.5, "corpora.4qaed.sample_rate": 8000}
    assert provenance.changes(joined)["changed"] == expected
    parts = replace(SVM, family="none", model="constant", dataset="4qaed_parts")
    assert provenance.changes(parts)["changed"] == {"corpora.4qaed.sample_rate": 8000}


def test_the_range_of_a_corpus_counts_where_it_has_one(params):
    rated = replace(SVM, dataset="pmemo", target="valence_arousal")
    before = [provenance.digest(chosen) for chosen in (rated, SVM)]
    edit(params, corpora__pmemo__range=[0.2, 0.8])
    assert provenance.changes(rated) == {"changed": {"corpora.pmemo.range": [0.2, 0.8]}}
    assert provenance.changes(SVM) == {}
    assert provenance.digest(rated) != before[0]
    assert provenance.digest(SVM) == before[1]


def test_the_corpus_that_is_trained_on_and_the_members_of_a_merged_one_count(params):
    edit(params, corpora__mixed3__peak_db=-1.0, corpora__ch818__layout="folder")
    corpora = params.parent / "params/corpora.yaml"
    text = corpora.read_text()
    corpora.write_text(text.replace("    - ch818\n    - tr_music", "    - tr_music\n    - ch818"))
    assert provenance.changes(SVM) == {}
    crossed = provenance.changes(SVM, "mixed3")
    assert crossed["changed"].keys() == {
        "corpora.mixed3.peak_db",
        "corpora.ch818.layout",
        "merged_corpora.mixed3.of",
    }
    assert provenance.digest(SVM, source="mixed3") != provenance.digest(SVM)


def test_settings_of_the_experiment_itself_are_hashed_and_no_change(params):
    plain, other = provenance.digest(SVM), provenance.digest(SVM, {"c": 1.0})
    ranked = EVERY_COLUMN.model_copy(update={"select": "chi2"})
    narrow = provenance.digest(SVM, columns=ranked)
    for facts in (other, narrow):
        assert facts.keys() == {"parameters_sha256"}
        assert facts != plain
    assert provenance.digest(SVM, columns=EVERY_COLUMN) == plain


def test_another_seed_is_a_change_and_no_part_of_the_digest(params):
    other = replace(SVM, seed=7)
    assert provenance.changes(other) == {"changed": {"seed": 7}}
    assert provenance.digest(other) == provenance.digest(SVM)


def test_the_stage_train_records_the_columns_of_the_selection(params, monkeypatch):
    given = []
    monkeypatch.setattr(train, "run", lambda *_, facts, **__: given.append(facts) or {})
    for select in ("none", "chi2"):
        edit(params, columns__select=select)
        runpy.run_path(str(ROOT / "stages/train.py"))
    assert given[0]["parameters_sha256"] != given[1]["parameters_sha256"]


def test_without_git_the_change_is_unknown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    copy_params(ROOT, tmp_path)
    assert provenance.changes(SVM) == {"changed": None}
    provenance.require_committed_code("svm_4qaed")


@pytest.mark.parametrize(
    ("dataset", "profile", "refused"),
    [
        ("4qaed", "paper", True),
        ("4qaed", "quick", True),
        ("demo_4qaed", "paper", False),
    ],
)
def test_uncommitted_code_is_refused_for_results_of_a_real_corpus(
    params, monkeypatch, dataset, profile, refused
):
    class RunError(Exception):
        pass

    def run(*_, **__):
        raise RunError

    monkeypatch.setattr(train, "run", run)
    given = GIVEN | {"dataset": dataset}
    edit(params, models__svm__c=0.5)  # parameters are recorded, not refused
    with pytest.raises(RunError):
        experiment.run("louro", "svm", given, {}, profile=profile, seed=1)
    (params.parent / "src/code.py").write_text("x = 1\n")
    expected = MerError if refused else RunError
    with pytest.raises(expected, match="src/code.py has changes" if refused else None):
        experiment.run("louro", "svm", given, {}, profile=profile, seed=1)


def test_a_smoke_test_is_refused_on_a_real_corpus(params):
    del params
    with pytest.raises(MerError, match=r"svm: the profile .* must not be a smoke test, and 'demo'"):
        experiment.run("louro", "svm", GIVEN | {"dataset": "4qaed"}, {}, profile="demo", seed=1)
