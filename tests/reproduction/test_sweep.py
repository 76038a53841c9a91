import networkx as nx
import pytest
from dvc.ignore import DvcIgnore

from conftest import ROOT
from mer.reproduction import run_all, spec

EVERY = spec.load(ROOT / "papers")
SMALL = nx.DiGraph(
    {
        "validate": [],
        "index": ["validate"],
        "mel": ["index", "validate"],
        "cnn": ["mel", "index"],
        "svm": ["index"],
        "index_b": ["validate"],
        "svm_b": ["index_b"],
        "from_svm_to_b": ["svm", "index_b"],
        "from_svm_b": ["svm_b"],
    }
)


def test_what_shares_no_stage_runs_at_once_and_the_longest_list_starts_first():
    first, second = run_all.plans(SMALL, ["cnn", "svm", "svm_b"], {"validate"})
    assert set(first) == {"index", "mel", "cnn", "svm"}
    assert second == ["index_b", "svm_b"]
    assert first.index("index") < first.index("mel") < first.index("cnn")


def test_what_is_done_joins_no_lists():
    done = {"validate", "index", "svm", "index_b", "svm_b"}
    assert run_all.plans(SMALL, ["from_svm_to_b", "from_svm_b"], done) == [
        ["from_svm_b"],
        ["from_svm_to_b"],
    ]
    together = run_all.plans(SMALL, ["from_svm_to_b", "from_svm_b"], {"validate"})
    assert len(together) == 1


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
def test_the_experiments_of_a_corpus_are_one_list(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(DvcIgnore, "DVCIGNORE_FILE", DvcIgnore.DVCIGNORE_FILE)  # back at the end
    graph, wanted = run_all.pipeline(), EVERY.stages["svm_4qaed"]
    later = {EVERY.stages[key] for name in run_all.LATER for key in EVERY.groups[name]}
    found = run_all.plans(graph, set(EVERY.stages.values()) - later, set(run_all.FIRST))
    assert len(found) > 2
    plan = next(plan for plan in found if wanted in plan)
    assert EVERY.stages["cnn_4qaed"] in plan
    needed = ["render@demo_4qaed", "index@demo_4qaed", "features@top100-demo_4qaed"]
    places = [plan.index(f"papers/corpora/dvc.yaml:{stage}") for stage in needed]
    assert places == sorted(places)
    assert places[-1] < plan.index(wanted)


@pytest.fixture
def calls(monkeypatch):
    made = []

    def repro(*targets, **settings):
        made.append((targets, settings))
        return 3 if targets == ("papers/dvc.yaml",) else 0

    monkeypatch.setattr(run_all, "_repro", repro)
    graph = nx.DiGraph({stage: [] for stage in EVERY.stages.values()})
    monkeypatch.setattr(run_all, "pipeline", lambda: graph)
    return made


def test_a_sweep_runs_each_stage_once_and_says_how_what_is_left_ended(calls):
    assert run_all.run_all(EVERY, 2, run_all.EVERY) == 3
    assert calls[0] == (run_all.FIRST, {})
    assert calls[-1] == (("papers/dvc.yaml",), {})
    assert all(settings == {"MER_JOBS": "1"} for _, settings in calls[1:-1])
    ran = [name for words, _ in calls[1:-1] for name in words[1:]]
    assert sorted(ran) == sorted(EVERY.stages.values())


def test_what_reads_other_experiments_comes_after_them(calls):
    run_all.run_all(EVERY, 1, run_all.EVERY)
    ran = [name for words, _ in calls[1:-1] for name in words[1:]]
    first = min(ran.index(EVERY.stages[key]) for key in (*EVERY.cross, *EVERY.transfer))
    assert all(ran.index(EVERY.stages[key]) < first for key in EVERY.experiments)


def test_a_refused_params_file_ends_a_sweep_at_once(monkeypatch):
    monkeypatch.setattr(run_all, "_repro", lambda *_, **__: 1)
    assert run_all.run_all(EVERY, 2, run_all.EVERY) == 1
