import pytest

from conftest import ROOT
from mer import papers, sweep
from mer.papers import corpus_of

EVERY = papers.load(ROOT / "papers")


@pytest.mark.parametrize("count", [1, 2, 5, 99])
def test_no_two_shares_read_the_same_corpus(count):
    corpora = []
    for share in sweep.shares(EVERY, count):
        keys = [stage.partition("@")[2] for stage in share]
        corpora.append({corpus_of(EVERY.find(key)) for key in keys})
    assert sum(map(len, corpora)) == len(set.union(*corpora))


def test_what_reads_other_experiments_or_a_second_corpus_stands_in_no_share():
    shared = {stage for share in sweep.shares(EVERY, 2) for stage in share}
    stages = {
        f"{sweep.EVERY}:{EVERY.stages[key]}"
        for group, experiments in EVERY.groups.items()
        if group not in sweep.MEETING
        for key in experiments
    }
    assert shared == stages


def test_shares_are_of_about_the_same_length():
    first, second = map(len, sweep.shares(EVERY, 2))
    assert abs(first - second) < 10


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
def test_a_plan_has_what_its_stages_need_before_them(monkeypatch):
    """And no stage of another plan, for two of them run at once."""
    monkeypatch.chdir(ROOT)
    one, other = sweep.plans(sweep.shares(EVERY, 2))
    assert not set(one) & set(other)
    assert "validate" not in one + other
    plan = next(plan for plan in (one, other) if f"{sweep.EVERY}:experiment@svm_4qaed" in plan)
    needed = ["render@demo_4qaed", "index@demo_4qaed", "features@top100-demo_4qaed"]
    places = [plan.index(f"data/dvc.yaml:{stage}") for stage in needed]
    assert places == sorted(places)
    assert places[-1] < plan.index(f"{sweep.EVERY}:experiment@svm_4qaed")


@pytest.fixture
def calls(monkeypatch):
    made = []

    def repro(*targets, **settings):
        made.append((targets, settings))
        return 3 if targets == ("papers/dvc.yaml",) else 0

    monkeypatch.setattr(sweep, "_repro", repro)
    monkeypatch.setattr(sweep, "plans", lambda shares: shares)
    return made


def test_a_sweep_ends_with_all_that_is_left_and_says_how_that_ended(calls):
    assert sweep.sweep(EVERY, 2) == 3
    assert calls[0] == (("validate",), {})
    assert [settings for _, settings in calls[1:3]] == [{"MER_JOBS": "1"}] * 2
    assert calls[3] == (("papers/dvc.yaml",), {})


def test_a_refused_params_file_ends_a_sweep_at_once(monkeypatch):
    monkeypatch.setattr(sweep, "_repro", lambda *_, **__: 1)
    assert sweep.sweep(EVERY, 2) == 1
