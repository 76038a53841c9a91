"""mer.pipeline.bring: runs of another machine enter the ledger scored anew, and nothing else does."""

import gzip
import io
import json
import tarfile

import pandas as pd
import pytest

from mer.errors import MerError
from mer.io import artefacts
from mer.io.files import read_json, write_json
from mer.io.predictions import write_predictions
from mer.pipeline import bring as bringing
from mer.pipeline import provenance
from mer.pipeline.bring import bring
from mer.pipeline.run_record import write_record
from mer.predictions import Predictions
from mer.reproduction import spec
from mer.reproduction.results import read_facts, results
from mer.reproduction.spec import Experiment, Paper, Papers
from mer.selection import SELECTORS
from mer.types import QUADRANTS

KNOWN = {
    "paper": "louro",
    "dataset": "4qaed",
    "model": "cnn",
    "target": "quadrant",
    "view": "louro",
    "family": "none",
    "augment": "none",
    "augmented": "none/none",
    "protocol": "cv10",
    "fidelity": "described",
    "settings": "",
}
RECORD_FILE = "metrics/experiments/louro/cnn.record.json"
RECORD = {"device": "some GPU", "machine": "another", "commit": "abc1234"}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A checkout whose papers have one experiment, ``cnn``, and the files of a run of it."""
    monkeypatch.chdir(tmp_path)
    paper = Paper(title="t", authors="a", url=None)
    known = Papers(papers={"louro": paper}, tables={}, experiments={"cnn": Experiment(**KNOWN)})
    monkeypatch.setattr(spec, "load", lambda: known)
    run = tmp_path / "elsewhere"
    run.mkdir()
    rows = [(f"s{i}", 0, i % 2, i // 2 % 4) for i in range(16)]
    frame = pd.DataFrame(rows, columns=["id", "repeat", "fold", "y_true"])
    for c in range(4):
        frame[f"p_{c}"] = (frame["y_true"] == c).astype(float)
    artefacts.write_manifest(run)
    write_predictions(run / "predictions.parquet", Predictions(frame, QUADRANTS))
    facts = {name: KNOWN[name] for name in SELECTORS if name in KNOWN}
    write_json(run / "run.json", {**facts, "seed": 1, "n_folds_planned": 10})
    (run / "curves.csv").write_text("repeat,fold,phase,epoch,loss,accuracy\n")
    return run


def packed(path, run, **others):
    """An archive as benchmarks/gpu.py writes it, with the scores of another program."""
    with tarfile.open(path, "w") as tar:
        tar.add(run, "data/runs/louro/cnn")
        texts = {
            "metrics/experiments/louro/cnn.record.json": json.dumps(RECORD),
            "metrics/experiments/louro/cnn.json": json.dumps({"f1_macro": 0.123}),
            **others,
        }
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


def test_a_run_is_scored_anew_and_keeps_its_record(project, tmp_path):
    assert bring(packed(tmp_path / "results.tar", project)) == ["cnn"]
    scores = read_json(tmp_path / "metrics/experiments/louro/cnn.json")
    assert (scores["f1_macro"], scores["n_folds"], scores["n_folds_planned"]) == (1.0, 2, 10)
    record = read_json(tmp_path / "metrics/experiments/louro/cnn.record.json")
    assert record["device"] == "some GPU"
    assert results("louro", "cnn")["part_"]["machine"] == "another"


@pytest.mark.parametrize(
    ("name", "other"), [("model", "svm"), ("dataset", "emopia200"), ("protocol", "grouped")]
)
def test_a_run_of_another_system_is_refused(project, tmp_path, name, other):
    write_json(project / "run.json", read_json(project / "run.json") | {name: other})
    expected = f"^cnn: its run must have {name} = '{KNOWN[name]}'.*'{other}'"
    with pytest.raises(MerError, match=expected):
        bring(packed(tmp_path / "results.tar", project))
    assert not (tmp_path / "data/runs/louro/cnn").exists()


@pytest.mark.parametrize("name", ["source", "parent"])
def test_a_run_that_was_trained_on_something_else_is_refused(project, tmp_path, name):
    write_json(project / "run.json", read_json(project / "run.json") | {name: "ch818"})
    with pytest.raises(MerError, match=f"its run must have {name} = None.*'ch818'"):
        bring(packed(tmp_path / "results.tar", project))


NO_COMMIT = "must name the commit of the code"
NO_OBJECT = "must be a JSON object"


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        ("", NO_OBJECT),
        ("[]", NO_OBJECT),
        ("\u2028", NO_OBJECT),
        ("{}", NO_COMMIT),
        ('{"commit": "unknown"}', NO_COMMIT),
        ('{"commit": "abc1234-dirty"}', NO_COMMIT),
        ("[" * 100_000, NO_OBJECT),
        ('{"commit": "abc1234", "seconds": NaN}', NO_OBJECT),
        ('{"commit": "abc1234", "seconds": 1e999}', NO_OBJECT),
        (r'{"commit": "abc1234", "device": "\ud800"}', NO_OBJECT),
    ],
)
def test_a_record_that_is_none_is_refused_before_anything_is_written(
    project, tmp_path, record, fault
):
    archive = packed(
        tmp_path / "results.tar", project, **{"metrics/experiments/louro/cnn.record.json": record}
    )
    with pytest.raises(MerError, match=f"the record of 'cnn' {fault}"):
        bring(archive)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("seconds", "1"), ("device", 1), ("machine", []), ("changed", []), ("timing", {"a": "b"})],
)
def test_a_record_with_a_value_of_a_wrong_type_is_refused(project, tmp_path, name, value):
    record = json.dumps({**RECORD, name: value})
    archive = packed(tmp_path / "results.tar", project, **{RECORD_FILE: record})
    with pytest.raises(MerError, match=f"{name} in the record of 'cnn' must be of another type"):
        bring(archive)
    assert not (tmp_path / "data").exists()


def test_times_of_a_record_are_no_scores(project, tmp_path):
    times = {"1_training_seconds_per_fold": 2.5, "1_training_epochs": 3.0}
    forged = {"f1_macro": 0.9999, "n_folds": 10, "max_epochs": 1}
    record = {"commit": "abc1234", "timing": times | forged}  # and no device
    bring(packed(tmp_path / "results.tar", project, **{RECORD_FILE: json.dumps(record)}))
    path = tmp_path / "metrics/experiments/louro/cnn.json"
    assert read_facts(path).items() >= read_json(path).items()
    assert read_facts(path).items() >= times.items()
    assert "max_epochs" not in read_facts(path)


@pytest.mark.parametrize(("theirs", "known"), [("abc", True), ("def", False)])
def test_parameters_that_are_those_of_this_checkout_are_known(
    project, tmp_path, monkeypatch, theirs, known
):
    """A machine without Git cannot tell what is committed."""
    ours = {"changed": {"models.cnn.training.lr": 0.5}}
    monkeypatch.setattr(provenance, "digest", lambda *_: {"parameters_sha256": "abc"})
    monkeypatch.setattr(provenance, "changes", lambda *_: ours)
    run = read_json(project / "run.json")
    write_json(project / "run.json", run | {"profile": "paper", "parameters_sha256": theirs})
    record = json.dumps({"commit": "abc1234", "changed": None})
    name = "metrics/experiments/louro/cnn.record.json"
    bring(packed(tmp_path / "results.tar", project, **{name: record}))
    found = read_facts(tmp_path / "metrics/experiments/louro/cnn.json")
    assert found["changed"] == (ours["changed"] if known else None)


@pytest.mark.parametrize(
    "name",
    [
        *("../outside.json", "/etc/passwd", "src/mer/x.py"),
        *("data/runs/louro/cnn/model.pkl", "data/runs/louro/cnn/other.json"),
    ],
)
def test_an_archive_with_anything_else_is_refused(project, tmp_path, name):
    with pytest.raises(MerError, match="every member must be a run"):
        bring(packed(tmp_path / "results.tar", project, **{name: "{}"}))
    assert not (tmp_path / "metrics").exists()


def test_an_archive_with_a_file_that_is_too_large_is_refused(project, tmp_path, monkeypatch):
    curves, size = project / "curves.csv", max(file.stat().st_size for file in project.iterdir())
    monkeypatch.setattr(bringing, "MAX_BYTES", size)
    assert bring(packed(tmp_path / "results.tar", project)) == ["cnn"]
    curves.write_text("x" * (size + 1))
    with pytest.raises(
        MerError, match=r"of at most 0 MiB, and 'data/runs/louro/cnn/curves\.csv' is"
    ):
        bring(packed(tmp_path / "larger.tar", project))


def test_an_archive_that_unpacks_to_too_much_is_refused(project, tmp_path, monkeypatch):
    """Each of its files may have the size of one."""
    monkeypatch.setattr(bringing, "MAX_TOTAL", 2**20)
    (project / "trials.csv").write_text(" " * 2**20)
    with tarfile.open(tmp_path / "results.tar.gz", "w:gz") as tar:
        tar.add(project, "data/runs/louro/cnn")
    with pytest.raises(MerError, match="must unpack to at most 1 MiB"):
        bring(tmp_path / "results.tar.gz")


def test_a_run_that_was_not_trained_is_refused(project, tmp_path):
    write_json(project / "manifest.json", {"status": "absent", "reason": "r", "f1_macro": 1.0})
    with pytest.raises(MerError, match="the run of 'cnn' must be trained, not absent"):
        bring(packed(tmp_path / "results.tar", project))


FAULTY = {
    "run.json": ["", '{"seed": -1}', '{"seed": NaN}', "[" * 100_000],
    "predictions.parquet": [""],
    "curves.csv": ["", "repeat,fold,phase,epoch,loss,accuracy\n0,0,a,1,x,y\n"],
    "manifest.json": ["", "[" * 100_000],
}


@pytest.mark.parametrize(("name", "text"), [(n, text) for n in FAULTY for text in FAULTY[n]])
def test_a_run_that_cannot_be_scored_leaves_what_was_there(project, tmp_path, name, text):
    if text.startswith("{"):
        text = text[:-1] + "," + (project / name).read_text().replace('"seed": 1,', "")[1:]
    bring(packed(tmp_path / "results.tar", project))
    here = tmp_path / "data/runs/louro/cnn", tmp_path / "metrics/experiments/louro"
    before = [{file.name: file.read_bytes() for file in folder.iterdir()} for folder in here]
    (project / name).write_text(text)
    with pytest.raises(MerError, match=rf"{name}|results\.tar"):
        bring(packed(tmp_path / "results.tar", project))
    assert before == [
        {file.name: file.read_bytes() for file in folder.iterdir()} for folder in here
    ]


@pytest.mark.parametrize(
    ("facts", "replaced"),
    [({}, False), ({"changed": {"seed": 2}}, True), ({"max_epochs": 3}, True)],
)
def test_results_of_more_trainings_stay(project, tmp_path, caplog, facts, replaced):
    bring(packed(tmp_path / "results.tar", project))
    scores = tmp_path / "metrics/experiments/louro/cnn.json"
    write_json(scores, read_json(scores) | {"n_folds": 3} | facts)
    write_record(scores, {})
    run = tmp_path / "data/runs/louro/cnn/run.json"
    run.write_text("{}")
    assert bring(packed(tmp_path / "results.tar", project)) == (["cnn"] if replaced else [])
    assert (read_json(scores)["n_folds"] == 2, run.read_text() != "{}") == (replaced, replaced)
    assert ("cnn.json has 3 trainings, the archive 2" in caplog.text) is not replaced


def test_links_and_unknown_experiments_are_refused(project, tmp_path):
    path = packed(tmp_path / "results.tar", project)
    with tarfile.open(path, "a") as tar:
        link = tarfile.TarInfo("data/runs/louro/cnn/run.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(MerError, match="every member must be a run"):
        bring(path)
    other = packed(
        tmp_path / "other.tar", project, **{"metrics/experiments/louro/dnn.record.json": "{}"}
    )
    with pytest.raises(MerError, match="'dnn' must be an experiment of papers/louro"):
        bring(other)


def test_a_packed_archive_that_is_cut_off_is_one_sentence(project, tmp_path):
    content = gzip.compress(packed(tmp_path / "results.tar", project).read_bytes())
    cut = tmp_path / "results.tar.gz"
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(MerError, match="must be a whole zip or tar archive"):
        bring(cut)


def test_a_file_that_is_no_archive_is_named(tmp_path):
    (tmp_path / "x.tar").write_text("no archive")
    with pytest.raises(MerError, match="must be a whole zip or tar archive"):
        bring(tmp_path / "x.tar")
