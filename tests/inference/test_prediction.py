"""`mer predict`: a trained system, asked about songs of one's own."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from conftest import ROOT
from helpers.clone import copy_params, edit
from mer import config
from mer.__main__ import main
from mer.inference import predict, trained_system
from mer.io import artefacts
from mer.pipeline import mel, standardize, train
from mer.pipeline.demo import render
from mer.pipeline.features import extract
from mer.pipeline.folds import make
from mer.pipeline.index import build
from mer.selection import selected
from mer.types import QUADRANTS

RATE, SECONDS = 22050, 4.0
MODELS = ("svm", "hybrid", "sincnet", "autoencoder_rf", "constant")
SMALL = {
    "corpora__demo__peak_db": -3.0,
    "corpora__demo__counts": dict.fromkeys(QUADRANTS, 3),
    "views__louro__seconds": SECONDS,
    "views__louro__n_mels": 64,
    "models__hybrid__dnn__smoke_test_epochs": 8,
    "models__hybrid__pretraining__smoke_test_epochs": 1,
    "models__hybrid__fusion__smoke_test_epochs": 2,
    "models__sincnet__chunk_ms": 25,
    "models__sincnet__hidden": [16],
    "augment": "none",
    "protocol": "cv10",
    "profile": "miniature",
}


def select(**changes):
    """Change params.yaml in this folder; ``__`` stands for the dot of a key."""
    edit(Path("params.yaml"), **changes)


def prepare():
    """What the stages of data/dvc.yaml make of the demo corpus."""
    corpus, view, family, profile, limits, quarantine = config.read(
        "corpora.demo",
        "views.louro",
        "families.compare",
        "profiles.miniature",
        "audio",
        "quarantine",
    )
    raw, index, standard = (Path("data", kind, "demo") for kind in ("raw", "index", "standard"))
    render.render("folder", raw, seed=7, seconds=SECONDS, sample_rate=RATE, counts=corpus.counts)
    build(raw, index, "folder", corpus.counts)
    how = {"sample_rate": corpus.sample_rate, "peak_db": corpus.peak_db, "limits": limits}
    standardize.standardize(index, raw, standard, **how, quarantine=quarantine)
    mel.compute(standard, Path("data/mel/louro/demo"), view)
    features = Path("data/features/compare/demo")
    extract(standard, index, features, family="compare", params=family)
    folds = Path("data/folds")
    make(index, standard, folds, own="cv10", profile=profile, seed=1)


def train_selected(target):
    """What the stage train makes of the selection."""
    chosen = selected()
    train.run(chosen, *chosen.blocks(), target, weights=True)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A project with a small corpus and a run of each of ``MODELS``."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        copy_params(ROOT, folder)
        select(**SMALL)
        prepare()
        for model in MODELS:
            select(model=model)
            train_selected(Path("data/runs", model))
    return folder


@pytest.fixture
def project(ran, monkeypatch):
    """The project as it was, whatever a test does to its params."""
    monkeypatch.chdir(ran)
    monkeypatch.setenv("COLUMNS", "400")
    before = {path: path.read_text() for path in (Path("params.yaml"), *Path("params").iterdir())}
    yield ran
    for path, text in before.items():
        path.write_text(text)


@pytest.fixture
def raw(project):
    """Paths of the corpus' files."""
    return sorted(map(str, Path("data/raw/demo").glob("*.wav")))


def asked(model, places, run=None, **more):
    select(model=model)
    return predict.predict(trained_system.load(Path("data/runs", run or model)), places, **more)


def probabilities(rows):
    return rows[[f"p_{q}" for q in QUADRANTS]].to_numpy()


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["mer", "predict", *words])
    main()


@pytest.mark.parametrize("model", MODELS)
def test_a_test_clip_of_the_corpus_is_answered_as_in_the_run(project, raw, model):
    """By the fold that it was tested in: files are prepared as those of the corpus were."""
    select(model=model)
    whole = trained_system.load(Path("data/runs", model))
    frame = artefacts.read_predictions(whole.run / "predictions.parquet").frame
    for member in whole.members:
        test = frame[frame["fold"] == member[0].fold].set_index("id")
        paths = [f"data/raw/demo/{id_}.wav" for id_ in test.index]
        found = predict.predict(replace(whole, members=[member]), paths)
        rows = found.rows[found.whole].set_index("id").loc[paths]
        expected = test[[f"p_{c}" for c in range(4)]].to_numpy()
        assert probabilities(rows) == pytest.approx(expected, abs=2e-4)


def test_a_song_is_the_mean_of_its_excerpts_and_of_its_folds(project, raw):
    """Its pieces are as loud as each other: so they are the same samples alone and in the song."""
    pieces = [sf.read(path)[0] for path in raw[:3]]
    pieces[2] = pieces[2][: round(0.6 * len(pieces[2]))]
    pieces = [piece / np.abs(piece).max() / 2 for piece in pieces]
    sf.write("song.wav", np.concatenate(pieces), RATE)
    alone = [f"alone {number}.wav" for number in range(3)]
    for path, piece in zip(alone, pieces, strict=True):
        sf.write(path, piece, RATE)
    found = asked("svm", ["song.wav"])
    rows = found.rows
    assert list(rows["id"]) == ["song.wav", *(f"song.wav#{n}" for n in range(3))]
    assert list(rows["start"]) == [0, 0, 4, 8]
    assert list(rows["end"]) == pytest.approx([10.4, 4, 8, 10.4], abs=1e-3)
    assert found.whole == [True, False, False, False]
    assert probabilities(rows)[0] == pytest.approx(probabilities(rows)[1:].mean(0), abs=1e-4)
    assert probabilities(asked("svm", alone).rows)[::2] == pytest.approx(
        probabilities(rows)[1:], abs=1e-4
    )
    members = trained_system.load(Path("data/runs/svm"))
    each = [
        predict.predict(replace(members, members=[m]), ["song.wav"]).rows for m in members.members
    ]
    mean = np.mean([probabilities(e) for e in each], axis=0)
    assert probabilities(rows) == pytest.approx(mean, abs=1e-4)
    classes = [QUADRANTS[n] for n in probabilities(rows).argmax(1)]
    assert list(rows["class"]) == classes


def test_other_seconds_make_other_excerpts(project, raw):
    rows = asked("constant", raw[:1], seconds=1.5).rows
    assert list(rows["end"]) == pytest.approx([4, 1.5, 3, 4], abs=1e-3)


def test_order_of_files_and_number_of_workers_change_nothing(project, raw, monkeypatch):
    rows = asked("svm", raw[:3]).rows
    monkeypatch.setenv("MER_JOBS", "2")
    pd.testing.assert_frame_equal(asked("svm", [raw[2], raw[0], raw[1]]).rows, rows)


def test_the_command_prints_and_writes_and_names_what_it_leaves_out(
    project, raw, monkeypatch, capsys, caplog
):
    Path("broken.mp3").write_bytes(b"no music" * 99)
    select(model="svm")
    for out in ("emotions.csv", "emotions.json"):
        run(monkeypatch, raw[0], "broken.mp3", "--out", out, "--run", "data/runs/svm")
    table = pd.read_csv("emotions.csv")
    assert list(table.columns) == ["id", "start", "end", "class", *(f"p_{q}" for q in QUADRANTS)]
    assert list(table["id"]) == [raw[0], f"{raw[0]}#0"]
    assert json.loads(Path("emotions.json").read_text()) == table.to_dict("records")
    said = capsys.readouterr().out
    assert raw[0] in said
    assert "emotions.csv: 1 songs in 1 excerpts, predicted by 2 folds; files left out: 1" in said
    assert "'broken.mp3' is left out: not decodable" in caplog.text
    assert list(Path(".mer").glob(".songs*")) == []


def test_a_policy_of_the_training_alone_is_known_as_used(project):
    select(model="cnn", augment="spec_augment", models__cnn__training__smoke_test_epochs=1)
    train_selected(project / "data/runs/striped")
    assert len(trained_system.load(project / "data/runs/striped").members) == 2
    assert asked("cnn", ["data/raw/demo/demo_q1_00.wav"], run="striped").whole == [True, False]


def no_weights(folder):
    shutil.rmtree(folder / "weights")


def other_source(folder):
    record = artefacts.read_json(folder / "run.json")
    artefacts.write_json(folder / "run.json", {**record, "source": "4qaed"})


def marked_absent(folder):
    artefacts.write_absent(folder, "no weights to start from")


REFUSED = {
    "absent run": ("svm", {}, marked_absent, "is absent: no weights to start from"),
    "no run": (
        "svm",
        {},
        shutil.rmtree,
        "must hold a trained run, and there is none; make it with",
    ),
    "another model": (
        "svm",
        {"model": "mlp"},
        None,
        r"(model=mlp), and is a run of model=svm; run",
    ),
    "another seed": ("svm", {"seed": 2}, None, "(seed=2), and is a run of seed=1"),
    "another protocol": (
        "svm",
        {"protocol": "grouped"},
        None,
        "(protocol=grouped), and is a run of",
    ),
    "columns": ("svm", {"columns__select": "chi2"}, None, "and is a run of columns={}"),
    "policy": ("svm", {"augment": "noise"}, None, "(augment=noise), and is a run of augment=none"),
    "leak": ("svm", {"augment": "noise_leak"}, None, "augment=noise_leak is a diagnostic"),
    "another corpus": ("svm", {}, other_source, "is a run of source=4qaed"),
    "settings": ("svm", {"models__svm__c": 1e-4}, None, "fitted again must predict as in"),
    "weights": ("hybrid", {}, no_weights, "must hold the network of that fold, and there is none"),
    "layers": ("sincnet", {"models__sincnet__hidden": [8]}, None, "must be of the network that"),
    "view": ("hybrid", {"views__louro__top_db": 60.0}, None, "made with another view than params"),
    "length": ("hybrid", {"views__louro__seconds": None}, None, "view=louro keeps each clip's own"),
    "files": ("svm", {}, None, "there is no such file: 'gone.wav'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_answered_is_said_in_a_sentence(project, raw, monkeypatch, capsys, case):
    model, changes, damage, message = REFUSED[case]
    select(model=model)
    select(**changes)
    folder = shutil.copytree(f"data/runs/{model}", project / "data/runs/copy", dirs_exist_ok=True)
    if damage:
        damage(folder)
    place = "gone.wav" if case == "files" else raw[0]
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, place, "--run", "data/runs/copy", "--out", "refused.csv")
    shutil.rmtree(folder, ignore_errors=True)
    said = capsys.readouterr().err
    assert message in " ".join(said.split())
    assert "Traceback" not in said
    assert not Path("refused.csv").exists()


IMPOSSIBLE = {
    "family": (
        "top100",
        "'top100' exists only as a published table and cannot be extracted",
        "compare",
    ),
    "fidelity": (
        "released",
        "the prediction of a song would depend on the other songs",
        "described",
    ),
}


@pytest.mark.parametrize("selector", IMPOSSIBLE)
def test_systems_that_no_song_can_be_asked_of(project, raw, monkeypatch, capsys, selector):
    value, message, remedy = IMPOSSIBLE[selector]
    select(**{"model": "svm", selector: value})
    folder = shutil.copytree("data/runs/svm", project / "data/runs/copy", dirs_exist_ok=True)
    record = artefacts.read_json(folder / "run.json")
    artefacts.write_json(folder / "run.json", {**record, selector: value})
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, raw[0], "--run", str(folder))
    shutil.rmtree(folder)
    said = " ".join(capsys.readouterr().err.split())
    assert message in said
    assert remedy in said
