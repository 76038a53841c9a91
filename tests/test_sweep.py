import pytest

from conftest import ROOT
from mer import papers, sweep
from mer.papers import corpus_of

EVERY = papers.load(ROOT / "papers")


def test_no_two_shares_read_the_same_corpus():
    corpora = []
    for share in sweep.shares(EVERY):
        keys = [stage.partition("@")[2] for stage in share]
        corpora.append({corpus_of(EVERY.find(key)) for key in keys})
    assert sum(map(len, corpora)) == len(set.union(*corpora))


def test_what_reads_other_experiments_or_a_second_corpus_stands_in_no_share():
    shared = {stage for share in sweep.shares(EVERY) for stage in share}
    stages = {
        EVERY.stages[key]
        for group, experiments in EVERY.groups.items()
        if group not in sweep.MEETING
        for key in experiments
    }
    assert shared == stages


def test_the_longest_share_starts_first():
    lengths = list(map(len, sweep.shares(EVERY)))
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > lengths[-1]


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
def test_a_plan_has_what_its_stages_need_before_them(monkeypatch):
    """And no stage of another plan, for two of them run at once."""
    monkeypatch.chdir(ROOT)
    plans, wanted = sweep.plans(sweep.shares(EVERY)), EVERY.stages["svm_4qaed"]
    together = [name for plan in plans for name in plan]
    assert len(together) == len(set(together))
    assert "validate" not in together
    plan = next(plan for plan in plans if wanted in plan)
    needed = ["render@demo_4qaed", "index@demo_4qaed", "features@top100-demo_4qaed"]
    places = [plan.index(f"data/dvc.yaml:{stage}") for stage in needed]
    assert places == sorted(places)
    assert places[-1] < plan.index(wanted)


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
    shares = sweep.shares(EVERY)
    assert [settings for _, settings in calls[1:-1]] == [{"MER_JOBS": "1"}] * len(shares)
    assert calls[-1] == (("papers/dvc.yaml",), {})


def test_a_refused_params_file_ends_a_sweep_at_once(monkeypatch):
    monkeypatch.setattr(sweep, "_repro", lambda *_, **__: 1)
    assert sweep.sweep(EVERY, 2) == 1
