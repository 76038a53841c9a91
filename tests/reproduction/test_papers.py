"""papers/*/paper.yaml as read from the files, the pipeline of its experiments, and `mer check`."""

import json
import re
import shutil

import pytest
import yaml

from conftest import ROOT
from helpers.clone import copy_params
from mer import config
from mer.__main__ import main
from mer.errors import MerError
from mer.io.files import write_json
from mer.reproduction import results
from mer.reproduction import spec as papers
from mer.selection import SELECTORS

EVERY = papers.load(ROOT / "papers")
PARAMS = config.read_all(ROOT / "params.yaml")
PIPELINE = yaml.safe_load((ROOT / "papers/experiments.yaml").read_text())
PAPERS, CORPORA, SELECTED = (
    yaml.safe_load((ROOT / path).read_text())["stages"]
    for path in ("papers/dvc.yaml", "papers/corpora/dvc.yaml", "data/dvc.yaml")
)
EXPERIMENTS = {
    key: group[key]
    for name, group in EVERY.groups.items()
    if name not in ("count", "setting")
    for key in group
}


def prepared():
    """Every artefact that papers/corpora/dvc.yaml makes, ``${miniature}`` before the corpus."""
    found = set()
    for name, stage in CORPORA.items():
        if name in ("render", "merge_corpora"):
            continue
        do = stage.get("do", stage)
        items = stage.get("foreach", {"": ""})
        if "matrix" in stage:
            items = {d: {"dataset": d} for d in stage["matrix"]["dataset"]}
        for key, item in items.items():
            for out in do["outs"]:
                out = out.replace("${key}", key).replace("${item.join.name}", key.split("-")[0])
                for field, value in item.items() if isinstance(item, dict) else ():
                    out = out.replace(f"${{item.{field}}}", str(value))
                found.add(out)
    return found


PREPARED = prepared()


def inputs(experiment):
    """What an experiment reads of the artefacts of its corpus, and of the one that it is trained on."""
    corpus = f"${{miniature}}{experiment.dataset}"
    source = f"${{miniature}}{getattr(experiment, 'source', experiment.dataset)}"
    return {
        f"data/features/{experiment.family}/{source}",
        f"data/folds/{experiment.protocol}/{source}.json",
        f"data/index/{corpus}",
        f"data/standard/{corpus}",
        f"data/mel/{experiment.view}/{corpus}",
        f"data/features/{experiment.family}/{corpus}",
        f"data/augmented/{experiment.augmented}/{corpus}",
        f"data/folds/{experiment.protocol}/{corpus}.json",
    }


def test_every_input_of_an_experiment_has_a_stage():
    for experiment in EXPERIMENTS.values():
        assert inputs(experiment) <= PREPARED


def test_no_input_is_prepared_that_no_experiment_reads():
    """But the sides of joins, the tables that ``agreement`` compares, and what stands for nothing."""
    read = set().union(*(inputs(experiment) for experiment in EXPERIMENTS.values()))
    read |= {f"data/mel/{s.view}/${{miniature}}{s.dataset}" for s in EVERY.settings.values()}
    read |= set(PAPERS["agreement"]["deps"])
    for item in CORPORA["join_features"]["foreach"].values():
        read |= {f"data/features/{item['join'][s]}/{item['dataset']}" for s in ("left", "right")}
    for kind in ("mel", "features", "augmented"):
        made = {
            path for path in PREPARED - set(CORPORA["nothing"]["outs"]) if f"data/{kind}/" in path
        }
        assert made
        assert made <= read


def test_the_joins_of_the_corpora_are_those_of_params():
    known = {join.name: join.model_dump() for join in PARAMS.joined_families}
    for item in CORPORA["join_features"]["foreach"].values():
        assert item["join"] == known[item["join"]["name"]]


SHARED = ("render", "index", "standardize", "mel", "features", "join_features", "augment", "folds")


@pytest.mark.parametrize("name", SHARED)
def test_the_selected_corpus_is_prepared_as_those_of_the_papers_are(name):
    """Else neither would find in the run cache what the other has computed; an index is cheap.

    The index of a selected corpus depends on the check of its folder, that of the demo as the papers' do.
    """
    both = [stages[name].get("do", stages[name]) for stages in (SELECTED, CORPORA)]
    for key in ("cmd", "deps", "params", "outs"):
        ours, theirs = (json.dumps(stage.get(key)) for stage in both)
        if name == "index":
            demos = SELECTED["index"]["foreach"]["demo"]["checked"]
            ours = ours.replace("${item.checked}", demos)
        theirs = theirs.replace("papers_profile", "profile")
        assert ours == theirs


@pytest.mark.parametrize("name", [*PARAMS.segmented_corpora])
def test_a_corpus_in_parts_has_its_corpus_name(name):
    """The stages that cut it take the one for the other's."""
    assert name == f"{PARAMS.segmented_corpora[name].of}_parts"


def test_an_experiment_that_needs_weights_depends_on_whether_they_are_there():
    looked_at = CORPORA["weights"]
    assert looked_at["do"]["always_changed"]
    stage = PIPELINE["stages"]["pretrained"]["do"]
    assert "data/weights/${item.weights}" in stage["deps"]
    assert "weights=${item.weights}" in stage["cmd"]
    for experiment in EVERY.pretrained.values():
        block = "models" if experiment.weights in PARAMS.models else "families"
        assert looked_at["foreach"][experiment.weights] == block


def test_the_pipeline_has_a_stage_for_each_experiment_and_table():
    folder, groups = ROOT / "papers", papers.Papers.model_fields.keys()
    content = yaml.safe_load((folder / "dvc.yaml").read_text())
    for path in sorted(folder.glob("*/paper.yaml")):
        assert f"{path.parent.name}/paper.yaml:tables" in content["vars"]
        copy = path.parent / "dvc.yaml"  # of a Git revision DVC follows no link
        assert not copy.is_symlink(), "run make format"
        assert copy.read_bytes() == (folder / "experiments.yaml").read_bytes(), "run make format"
    read = PIPELINE["vars"][-1]
    assert set(read.partition(":")[2].split(",")) == groups - {"papers", "tables", "systems"}


def flat(declared):
    """Paths, or params of whatever file."""
    parts = [[part] if isinstance(part, str) else next(iter(part.values())) for part in declared]
    return {text for part in parts for text in part}


@pytest.mark.parametrize("group", ["experiment", "cross", "transfer", "pretrained"])
def test_an_experiment_depends_on_all_that_the_train_stage_does(group):
    train = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["train"]
    stage = PIPELINE["stages"][group]["do"]
    for kind in ("deps", "params"):
        needed = set()
        for text in flat(train[kind]) - {"columns", "data/sources/train-${model}.txt", *SELECTORS}:
            for name in SELECTORS:
                chosen = "${papers_profile}" if name == "profile" else f"${{item.{name}}}"
                text = text.replace("${augment}/${view}", "${item.augmented}")
                text = text.replace(f"${{{name}}}", chosen)
            needed.add(text.replace("${item.dataset}", "${miniature}${item.dataset}"))
        assert needed <= flat(stage[kind])
    assert {"seed", "papers_profile"} <= flat(stage["params"])
    passed = set(SELECTORS) - {"seed", "profile"}
    assert all(f" {name}=${{" in stage["cmd"] for name in passed)


def test_some_papers_are_whole_by_themselves():
    chosen = ["louro_improving", "louro_merge"]
    found = EVERY.only(["papers/louro_improving/", "louro_merge"])
    assert {table.paper for table in found.tables.values()} == set(found.papers) == set(chosen)
    owners = [key for key, stage in EVERY.stages.items() if stage.split("/")[1] in chosen]
    assert list(found.stages) == owners
    for table in found.tables.values():
        keys = [table.key(row, column) for row in table.rows for column in table.columns]
        assert all(bool(found.find(key)) == bool(EVERY.find(key)) for key in keys)


def test_a_paper_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(MerError, match=r"papers/louro must be one of \["):
        EVERY.only(["louro", "leaks"])


def test_a_key_in_two_files_is_refused(tmp_path):
    for name in ("one", "two"):
        paper = f"papers: {{{name}: {{title: T, authors: A, url: null}}}}\ntables: {{}}\n"
        (tmp_path / name).mkdir()
        text = f"{paper}counts: {{a: {{paper: {name}, dataset: d}}}}\n"
        (tmp_path / name / "paper.yaml").write_text(text)
    with pytest.raises(
        MerError, match=r"two/paper\.yaml: counts\.a is also in the file of another"
    ):
        papers.load(tmp_path)


@pytest.mark.parametrize(
    ("papers_of", "paper", "message"),
    [
        (
            "two",
            "one",
            r"one/paper\.yaml: papers=\['two'\] must be \['one'\], the folder; correct it",
        ),
        (
            "one",
            "two",
            r"one/paper\.yaml: counts\.a\.paper='two' must be 'one', the folder; correct it",
        ),
    ],
)
def test_a_file_that_describes_another_paper_is_refused(tmp_path, papers_of, paper, message):
    (tmp_path / "one").mkdir()
    text = (
        f"papers: {{{papers_of}: {{title: T, authors: A, url: null}}}}\ntables: {{}}\n"
        f"counts: {{a: {{paper: {paper}, dataset: d}}}}\n"
    )
    (tmp_path / "one/paper.yaml").write_text(text)
    with pytest.raises(MerError, match=message):
        papers.load(tmp_path)


def test_an_unknown_key_is_named_with_its_file(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one/paper.yaml").write_text("papers: {}\ntables: {}\ntabels: {}\n")
    with pytest.raises(MerError, match=r"one/paper\.yaml: 'tabels' is not a known key; remove it"):
        papers.load(tmp_path)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A project of one table: two rows with a composition, one with a reason."""
    row = {"title": "", "published": {}}
    scored = {**row, "published": {"f1_macro": {"4qaed": 0.8}}}
    composition = {
        "paper": "p",
        "model": "svm",
        "target": "quadrant",
        "view": "none",
        "family": "top100",
        "augment": "none",
        "augmented": "none/none",
        "protocol": "cv10x10",
        "fidelity": "described",
        "settings": "",
        "dataset": "4qaed",
    }
    content = {
        "papers": {"p": {"title": "", "authors": "", "url": None}},
        "tables": {
            "p_table1": {
                "paper": "p",
                "title": "",
                "protocol": "",
                "metrics": ["f1_macro"],
                "columns": {"4qaed": {"title": ""}},
                "rows": {"svm": scored, "cnn": row, "openl3": {**row, "why": "weights not there"}},
            }
        },
        **{block: {} for block in papers.STAGE_OF_BLOCK},
        "experiments": {"svm_4qaed": composition, "cnn_4qaed": composition},
    }
    (tmp_path / "papers/p").mkdir(parents=True)
    (tmp_path / "papers/p/paper.yaml").write_text(yaml.safe_dump(content))
    for copy in ("experiments.yaml", "p/dvc.yaml"):
        shutil.copy(ROOT / "papers/experiments.yaml", tmp_path / "papers" / copy)
    (tmp_path / "papers/dvc.yaml").write_text("vars: [p/paper.yaml:tables]\n")
    shutil.copytree(ROOT / "papers/corpora", tmp_path / "papers/corpora")
    (tmp_path / "dvc.yaml").write_text("stages: {report: {deps: [papers/p/paper.yaml]}}")
    copy_params(ROOT, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(monkeypatch, capsys, *words):
    monkeypatch.setattr("sys.argv", ["mer", "check", *words])
    monkeypatch.setenv("COLUMNS", "200")
    main()
    out = capsys.readouterr().out
    return out, {line.split()[1]: line for line in out.splitlines() if line.startswith("│")}


def test_mer_check_refuses_an_experiment_that_does_not_fit(small, monkeypatch, capsys):
    path = small / "papers/p/paper.yaml"
    path.write_text(path.read_text().replace("family: top100", "family: top10", 1))
    with pytest.raises(SystemExit, match="1"):
        check(monkeypatch, capsys)
    message = r"papers/p/paper.yaml: experiments\.\w+_4qaed\.family='top10' must be one of \["
    assert re.search(message, capsys.readouterr().err)


def test_mer_check_refuses_a_key_that_stands_twice(small, monkeypatch, capsys):
    path = small / "papers/p/paper.yaml"
    path.write_text(path.read_text() + "systems: {}\nsystems: {}\n")
    with pytest.raises(SystemExit, match="1"):
        check(monkeypatch, capsys)
    assert "'systems' must stand once" in capsys.readouterr().err


def test_mer_check_says_what_each_cell_lacks(small, monkeypatch, capsys):
    write_json(small / "metrics/experiments/p/demo_cnn_4qaed.json", {"f1_macro": 0.5})
    out, lines = check(monkeypatch, capsys)
    assert "absent" in lines["svm"]
    assert "data/raw/4qaed is missing" in lines["svm"]
    assert "demo only" in lines["cnn"]
    assert "absent" in lines["openl3"]
    assert "weights not there" in lines["openl3"]
    assert "MER_audio_taffc_dataset.zip" in out
    assert "all cells: 0 done, 0 in part, 1 demo only, 2 absent\n" in out
    assert out.endswith("published score: 0 done, 0 in part, 0 demo only, 1 absent\n")


def test_mer_check_says_which_input_was_absent(small, monkeypatch, capsys):
    (small / "data/raw/4qaed").mkdir(parents=True)
    folder = small / "metrics/experiments/p"
    for key in ("demo_svm_4qaed", "cnn_4qaed"):
        write_json(folder / f"{key}.json", {"absent": "no weights in a.pth"})
    write_json(folder / "demo_cnn_4qaed.json", {"f1_macro": 0.5})
    out, lines = check(monkeypatch, capsys)
    assert "no weights in a.pth" in lines["svm"]
    assert "no weights in a.pth" in lines["cnn"]
    assert "all cells: 0 done, 0 in part, 1 demo only, 2 absent\n" in out
    assert out.endswith("published score: 0 done, 0 in part, 0 demo only, 1 absent\n")


def test_mer_check_finds_what_was_run_on_the_real_corpus(small, monkeypatch, capsys):
    (small / "data/raw/4qaed").mkdir(parents=True)
    folder = small / "metrics/experiments/p"
    write_json(folder / "svm_4qaed.json", {"f1_macro": 0.7, "profile": "paper"})
    cut = {
        "f1_macro": 0.7,
        "profile": "quick",
        "n_folds": 1,
        "protocol": "cv10x10",
        "max_epochs": 25,
    }
    write_json(folder / "cnn_4qaed.json", cut)
    write_json(folder / "demo_cnn_4qaed.json", {"f1_macro": 0.9, "profile": "demo"})
    out, lines = check(monkeypatch, capsys)
    assert "done" in lines["svm"]
    assert "in part" in lines["cnn"]
    assert "profile=quick, 1 of 100 folds, max_epochs=25" in lines["cnn"]
    assert "all cells: 1 done, 1 in part, 0 demo only, 1 absent\n" in out
    assert out.endswith("published score: 1 done, 0 in part, 0 demo only, 0 absent\n")


def test_mer_check_of_one_paper(small, monkeypatch, capsys):
    everything = check(monkeypatch, capsys)[0]
    assert check(monkeypatch, capsys, "p")[0] == everything
    assert check(monkeypatch, capsys, "papers/p/")[0] == everything
    with pytest.raises(SystemExit, match="1"):
        check(monkeypatch, capsys, "q")
    assert "papers/q must be one of ['p']" in capsys.readouterr().err


def test_mer_check_says_once_what_holds_of_cells_side_by_side(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    table = EVERY.tables["he_two_stage_table1"]
    assert len({results.state(EVERY, table, "pmemo_1s", column) for column in table.columns}) == 1
    out, _ = check(monkeypatch, capsys, "he_two_stage")
    line = next(line for line in out.splitlines() if line.startswith("│ pmemo_1s "))
    assert ", ".join(table.columns) in line
