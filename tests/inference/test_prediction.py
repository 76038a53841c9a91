"""`mer predict`: a trained system, asked about songs of one's own."""

import csv
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from rich.console import Console

from conftest import ROOT
from helpers.clone import copy_params, edit
from mer import config, registry
from mer.__main__ import main
from mer.cli import predict
from mer.errors import MerError
from mer.inference import answers, library, predictor, songs, system, trained
from mer.inference.answers import SongAnswer
from mer.inference.description import Calibration
from mer.io import artefacts
from mer.io.feature_tables import read_features
from mer.io.files import read_json, sha256, write_json
from mer.io.predictions import read_predictions
from mer.pipeline import code_digests, mel, provenance, run_record, standardize, train
from mer.pipeline.demo import render
from mer.pipeline.features import extract
from mer.pipeline.folds import make
from mer.pipeline.index import build
from mer.selection import selected
from mer.types import QUADRANTS

RATE, SECONDS = 22050, 4.0
MODELS = (
    *("svm", "fusion", "logistic_regression", "mlp", "hybrid", "sincnet"),
    *("autoencoder_rf", "constant"),
)
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
    facts = {"own": "cv10", "profile": profile, "profile_key": "miniature"}
    make(index, standard, folds, **facts, seed=1)


def train_selected(target):
    """What the stage train makes of the selection."""
    chosen, (columns,) = selected(), config.read("columns")
    facts = provenance.digest(chosen, columns=columns)
    train.run(chosen, *chosen.blocks(), target, columns, keep_weights=True, facts=facts)


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


def ask(model, places, run=None, **more):
    """The rows per excerpt and per song that a run of the selected model gives."""
    select(model=model)
    names = songs.files(places, {})
    found = list(predictor.answer_files(f"data/runs/{run or model}", names, **more))
    system = predictor.load_system(f"data/runs/{run or model}")
    return answers.of_excerpts(system, found), answers.of_songs(system, found)


@pytest.fixture(autouse=True)
def fresh():
    """No system of an earlier test stays loaded."""
    predictor._load.cache_clear()


def probabilities(rows):
    return rows[[f"p_{q}" for q in QUADRANTS]].to_numpy()


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["mer", *words])
    main()


def alone(system, number):
    """The system of one of its members, not calibrated."""
    calibration = system.about.calibration.model_copy(update={"temperature": 1.0})
    columns = system.about.columns and system.about.columns[number : number + 1]
    changes = {"members": 1, "calibration": calibration, "columns": columns}
    about = system.about.model_copy(update=changes)
    return replace(system, about=about, members=[system.members[number]])


@pytest.mark.parametrize("form", ["run", "exported"])
@pytest.mark.parametrize("model", MODELS)
def test_a_test_clip_of_the_corpus_is_answered_as_in_the_run(project, raw, model, form):
    """By the fold that it was tested in: files are prepared as those of the corpus were."""
    select(model=model)
    whole = trained.of_run(Path("data/runs", model))
    if form == "exported":
        system.write(whole, project / "exported")
        whole = system.read(project / "exported")
    frame = read_predictions(Path("data/runs", model, "predictions.parquet")).frame
    for number in range(len(whole.members)):
        one, test = alone(whole, number), frame[frame["fold"] == number].set_index("id")
        paths = [f"data/raw/demo/{id_}.wav" for id_ in test.index]
        found = [
            answers.of_song(one, p, songs.decoded(p, RATE), seconds=None, hop=None) for p in paths
        ]
        expected = test[[f"p_{c}" for c in range(4)]].to_numpy()
        exact = model == "svm"
        assert probabilities(answers.of_songs(one, found)) == pytest.approx(
            np.maximum(expected, 5e-5), abs=1e-9 if exact else 3e-4
        )


def test_columns_that_a_fold_ranks_are_those_of_its_member(project, raw):
    """Also on a machine without the table of the corpus."""
    select(model="svm", columns__select="chi2", columns__k=20)
    train_selected(project / "data/runs/ranked")
    rows, _ = ask("svm", raw[:2], run="ranked")
    system.write(predictor.load_system("data/runs/ranked"), project / "exported")
    assert [len(names) for names in system.read(project / "exported").about.columns] == [20, 20]
    found = list(predictor.answer_files("exported", raw[:2]))
    again = answers.of_excerpts(predictor.load_system("exported"), found)
    assert probabilities(again) == pytest.approx(probabilities(rows), abs=1e-4)


def test_columns_of_the_catalogue_are_those_of_every_member(project, raw, monkeypatch):
    """The distance from the training clips is that of the whole table, which is computed of a song."""

    def catalogue():
        entry = {"grade": "A", "channel": "original", "subset": "all"}
        names = read_features(Path("data/features/compare/demo/features.parquet")).names
        kinds = ("rhythm", "melody")
        return {n: SimpleNamespace(**entry, dimension=kinds[i % 2]) for i, n in enumerate(names)}

    monkeypatch.setattr("mer.features.compare.catalogue", catalogue, raising=False)
    unrestricted, _ = ask("svm", raw[:2])
    select(model="svm", columns__dimension="rhythm")
    train_selected(project / "data/runs/rhythm")
    rows, _ = ask("svm", raw[:2], run="rhythm")
    about = predictor.load_system("data/runs/rhythm").about
    assert [len(names) for names in about.columns] == [3187, 3187]
    assert rows["ood_score"].equals(unrestricted["ood_score"])
    assert not np.allclose(probabilities(rows), probabilities(unrestricted))


def test_a_song_is_the_mean_of_its_excerpts_and_of_its_folds(project, raw):
    pieces = [sf.read(path)[0] for path in raw[:3]]
    pieces[2] = pieces[2][: round(0.6 * len(pieces[2]))]
    sf.write("song.wav", np.concatenate(pieces), RATE)
    rows, (song, *_) = ask("svm", ["song.wav"])[0], ask("svm", ["song.wav"])[1].to_dict("records")
    assert list(rows["id"]) == ["song.wav"] * 3
    assert list(rows["start"]) == [0, 4, 8]
    assert list(rows["end"]) == pytest.approx([4, 8, 10.4], abs=1e-3)
    assert (song["seconds"], song["excerpts"]) == (pytest.approx(10.4, abs=1e-3), 3)
    found = [song[f"p_{q}"] for q in QUADRANTS]
    assert found == pytest.approx(probabilities(rows).mean(0), abs=1e-4)
    assert song["p_high_arousal"] == pytest.approx(song["p_Q1"] + song["p_Q2"], abs=1e-3)
    assert song["p_high_valence"] == pytest.approx(song["p_Q1"] + song["p_Q4"], abs=1e-3)
    assert song["class"] == QUADRANTS[int(np.argmax(found))]


def test_the_length_of_a_song_counts_what_is_in_no_excerpt(project, raw):
    sound = sf.read(raw[0])[0]
    sf.write("song.wav", np.concatenate([sound, np.zeros(5 * RATE)]), RATE)
    rows, (song, *_) = (
        ask("constant", ["song.wav"])[0],
        ask("constant", ["song.wav"])[1].to_dict("records"),
    )
    assert list(rows["end"]) == pytest.approx([4], abs=1e-3)
    assert (song["seconds"], song["excerpts"]) == (pytest.approx(9, abs=1e-3), 1)


def test_other_seconds_and_hops_make_other_excerpts(project, raw):
    rows, _ = ask("constant", raw[:1], seconds=1.5)
    assert list(rows["end"]) == pytest.approx([1.5, 3, 4], abs=1e-3)
    rows, _ = ask("constant", raw[:1], seconds=2, hop=1)
    assert list(rows["start"]) == [0, 1, 2]


def test_order_of_files_and_number_of_workers_change_nothing(project, raw, monkeypatch):
    _, rows = ask("svm", raw[:3])
    monkeypatch.setenv("MER_JOBS", "2")
    pd.testing.assert_frame_equal(ask("svm", [raw[2], raw[0], raw[1]])[1], rows)


def test_an_answer_is_undecided_where_several_classes_are_possible(project, raw):
    select(model="svm")
    found = trained.of_run(Path("data/runs/svm"))
    calibration = found.about.calibration.model_copy(update={"threshold": 0.3})
    found = replace(found, about=found.about.model_copy(update={"calibration": calibration}))
    given = [[0.35, 0.5, 0.1, 0.05], [0.6, 0.2, 0.1, 0.1], [0.28, 0.25, 0.24, 0.23]]
    assert calibration.coverage == 0.8
    songs_ = [
        SongAnswer(str(n), 4.0, [0.0], [4.0], [p], [None], [False]) for n, p in enumerate(given)
    ]
    rows = answers.of_songs(found, songs_)
    assert list(rows["answer"]) == ["undecided", "Q1", "undecided"]
    assert list(rows["possible"]) == ["Q2; Q1", "Q1", "Q1; Q2; Q3; Q4"]


def test_a_sure_answer_below_a_high_threshold_is_an_answer():
    """Of a system that is right more often than ``coverage``, some sure answers are below the threshold."""
    calibration = Calibration(temperature=1.0, threshold=0.97, coverage=0.8)
    found = answers._possible(np.array([[0.05, 0.9, 0.05], [0.5, 0.25, 0.25]]), calibration)
    assert found.tolist() == [[False, True, False], [True, True, True]]


def test_a_song_is_unlike_the_training_clips_if_it_is_far_from_them_or_band_limited(project, raw):
    select(model="svm")
    found = trained.of_run(Path("data/runs/svm"))
    far_and_limited = (
        ([0.5, 1.2, 1.3], [False, False, False]),
        ([0.5, 0.6, 1.3], [True, False, False]),
        ([0.5, 0.6, 0.7], [True, True, False]),
    )
    starts, values = [0.0, 4.0, 8.0], [[0.25] * 4] * 3
    songs_ = [SongAnswer("s", 12.0, starts, starts, values, *given) for given in far_and_limited]
    assert list(answers.of_songs(found, songs_)["out_of_distribution"]) == [True, False, True]
    excerpts = answers.of_excerpts(found, songs_)["out_of_distribution"]
    assert list(excerpts) == [False, True, True, True, False, True, True, True, False]


@pytest.mark.parametrize(
    ("possible", "answer"),
    [
        ("Q4; Q3", "Q4 calm or Q3 sad"),
        ("Q1; Q4; Q3", "Q1 or Q4 or Q3"),
        ("slow waltz; polka", "slow waltz or polka"),
    ],
)
def test_possible_classes_are_shown_with_their_names_whole(possible, answer):
    row = {
        "id": "a",
        "seconds": 4.0,
        "possible": possible,
        "class": "x",
        "p_x": 0.5,
        "out_of_distribution": False,
    }
    table = predict._shown(Console(width=100), pd.DataFrame([row]), "")
    assert [str(cell) for cell in table.columns[2].cells] == [answer]


def test_the_command_prints_and_writes_and_names_what_it_leaves_out(
    project, raw, monkeypatch, capsys, caplog
):
    Path("broken.mp3").write_bytes(b"no music" * 99)
    select(model="svm")
    for out in ("emotions.csv", "emotions.json", "emotions.parquet"):
        words = [raw[0], "broken.mp3", "--system", "data/runs/svm", "--out", out]
        with pytest.raises(SystemExit, match="1"):
            run(monkeypatch, "predict", *words, "--curve", "curve.csv", "--plot", "plane.svg")
    table = pd.read_csv("emotions.csv")
    assert list(table["id"]) == [raw[0]]
    assert list(pd.read_csv("curve.csv")["id"]) == [raw[0]]
    listed = table.assign(possible=table["possible"].str.split("; "))
    assert json.loads(Path("emotions.json").read_text()) == listed.to_dict("records")
    pd.testing.assert_frame_equal(pd.read_parquet("emotions.parquet"), table, check_dtype=False)
    assert "<svg" in Path("plane.svg").read_text()
    said = capsys.readouterr().out
    assert raw[0] in said
    assert "emotions.csv, curve.csv, plane.svg: 1 song in 1 excerpt; files left out: 1" in said
    assert "'broken.mp3' is left out: not decodable" in caplog.text
    assert not list(project.glob(".*.partial"))


def test_a_demo_says_of_every_answer_that_it_means_nothing(project, raw, monkeypatch, capsys):
    select(model="svm")
    run(monkeypatch, "predict", raw[0], "--system", "data/runs/svm", "--out", "-")
    said = capsys.readouterr()
    (row,) = csv.DictReader(said.out.splitlines())
    assert row["warning"].startswith("trained on rendered demo pieces: its answers say nothing")
    assert "Warning: trained on rendered demo pieces" in said.err


def test_an_interrupted_run_is_resumed(project, raw, monkeypatch):
    """The answers that it had are taken, but for a file that has been replaced since."""
    select(model="svm")
    form = {"out": Path("e.csv"), "seconds": None, "hop": None}
    first = library.answered("data/runs/svm", raw[:2], {}, resume=False, **form)
    with Path(".e.csv.partial").open("a") as stream:
        stream.write('{"id": "cut off')
    asked = []
    monkeypatch.setattr(
        predictor,
        "answer_files",
        lambda _, paths, **_options: asked.extend(paths) or iter(first[:1]),
    )
    both = library.answered("data/runs/svm", raw[:3], {}, resume=True, **form)
    assert asked == [raw[2]]
    assert both[:2] == first
    replaced = Path(raw[1]).stat().st_mtime_ns + 1
    os.utime(raw[1], ns=(replaced, replaced))
    library.answered("data/runs/svm", raw[:2], {}, resume=True, **form)
    assert asked == [raw[2], raw[1]]
    refused = pytest.raises(MerError, match="--resume needs the options, the folder and")
    with refused:
        library.answered("data/runs/svm", raw, {}, resume=True, **{**form, "hop": 2.0})
    of_other_code = pytest.raises(MerError, match="differs in code; ")
    with pytest.MonkeyPatch.context() as patch, of_other_code:
        patch.setattr(code_digests, "digests", lambda *_: {"models/svm.py": "other"})
        library.answered("data/runs/svm", raw, {}, resume=True, **form)
    with pytest.MonkeyPatch.context() as patch, refused:
        place = str(Path("data/runs/svm").absolute())
        patch.setattr(library, "load_system", lambda _: predictor.load_system(place))
        patch.chdir("data")
        library.answered(
            "data/runs/svm", raw, {}, resume=True, **{**form, "out": project / "e.csv"}
        )
    old = predictor.load_system("data/runs/svm")
    moved = [{name: 2 * array for name, array in member.items()} for member in old.members]
    monkeypatch.setattr(library, "load_system", lambda _: replace(old, members=moved))
    with refused:
        library.answered("data/runs/svm", raw, {}, resume=True, **form)


def test_an_array_is_answered_as_its_file(project, raw):
    select(model="svm")
    samples, rate = sf.read(raw[0], dtype="float32")
    asked = predictor.load("data/runs/svm")
    rows, array = asked.predict(raw[0]), asked.predict_array(samples, rate)
    pd.testing.assert_frame_equal(array.drop(columns="id"), rows.drop(columns="id"))
    with pytest.raises(MerError, match="samples must be audible, and are silent"):
        asked.predict_array(np.zeros(RATE), RATE)
    with pytest.raises(MerError, match="samples must be finite; "):
        asked.predict_array(np.full(RATE, np.nan), RATE)


def test_a_policy_of_the_training_alone_is_known_as_used(project):
    select(model="cnn", augment="spec_augment", models__cnn__training__smoke_test_epochs=1)
    train_selected(project / "data/runs/striped")
    assert len(trained.of_run(project / "data/runs/striped").members) == 2
    assert len(ask("cnn", ["data/raw/demo/demo_q1_00.wav"], run="striped")[1]) == 1


def test_an_exported_system_is_written_by_the_command(project, raw, monkeypatch, capsys):
    select(model="svm")
    run(monkeypatch, "export", "--run", "data/runs/svm", "--out", "taken along")
    assert "mer predict song.mp3 --system taken along" in capsys.readouterr().out
    assert read_json(project / "taken along/system.json")["commit"] == ""  # no Git repository
    monkeypatch.setattr(run_record, "code_commit", lambda: "abc1234")
    run(monkeypatch, "export", "--run", "data/runs/svm", "--out", "taken along")
    assert read_json(project / "taken along/system.json")["commit"] == "abc1234"
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, "export", "--run", "data/runs/svm", "--out", "data")
    assert "--out must be a new folder" in capsys.readouterr().err


def test_a_run_answers_from_any_working_folder(project, raw, tmp_path):
    select(model="svm")
    paths = [str(Path(path).absolute()) for path in raw[:2]]
    asked = predictor.load("data/runs/svm")
    rows = asked.predict(paths)
    predictor._load.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setenv("MER_JOBS", "2")
        pd.testing.assert_frame_equal(asked.predict(paths), rows)
        assert Path.cwd() == tmp_path


def test_a_run_without_the_digest_of_its_parameters_is_refused(project):
    select(model="svm")
    run_ = shutil.copytree("data/runs/svm", project / "data/runs/copy")
    record = read_json(run_ / "run.json")
    del record["parameters_sha256"]
    write_json(run_ / "run.json", record)
    with pytest.raises(MerError, match="is a run of parameters_sha256=None; run `dvc repro`"):
        trained.of_run(run_)
    shutil.rmtree(run_)


def test_a_run_of_other_code_is_refused(project):
    select(model="svm")
    run_ = shutil.copytree("data/runs/svm", project / "data/runs/copy")
    record = read_json(run_ / "code.json")
    assert "models/svm.py" in record
    write_json(run_ / "code.json", record | {"models/svm.py": "0" * 16})
    with pytest.raises(MerError, match=r"src/mer/models/svm\.py changed since; run `dvc repro`"):
        trained.of_run(run_)
    shutil.rmtree(run_)


def test_a_run_without_the_digests_of_its_code_is_refused(project):
    select(model="svm")
    run_ = shutil.copytree("data/runs/svm", project / "data/runs/copy")
    (run_ / "code.json").unlink()
    with pytest.raises(MerError, match=r"copy must hold code\.json, .* that wrote none; run `dvc"):
        trained.of_run(run_)
    shutil.rmtree(run_)


def test_an_exported_system_warns_where_other_code_is_installed(project, raw):
    select(model="svm")
    system.write(trained.of_run(Path("data/runs/svm")), project / "exported")
    assert "code" not in predictor.load("exported").predict(raw[0])["warning"][0]
    about = read_json(project / "exported/system.json")
    assert {"models/svm.py", "features/compare/__init__.py"} <= about["code"].keys()
    about["code"]["features/compare/__init__.py"] = "0" * 16
    about["commit"] = "abc1234"
    write_json(project / "exported/system.json", about)
    predictor._load.cache_clear()
    warning = predictor.load("exported").predict(raw[0])["warning"][0]
    assert warning.startswith("trained on rendered demo pieces")
    assert (
        "fits other code than is installed (src/mer/features/compare/__init__.py changed), and its "
        "answers can be wrong; use the version of mer that exported it (commit abc1234)" in warning
    )


def test_a_run_of_an_experiment_that_chooses_columns_is_one_of_its_selection(project):
    """Its digest names the columns; that of the stage ``train`` does not."""
    select(model="svm", columns__select="chi2", columns__k=20)
    chosen, (columns,), run_ = selected(), config.read("columns"), project / "data/runs/chosen"
    facts = provenance.digest(chosen, columns=columns)
    assert facts != provenance.digest(chosen)
    train.run(chosen, *chosen.blocks(), run_, columns, keep_weights=True, facts=facts)
    assert len(trained.of_run(run_).members) == 2


def redescribed(**changes):
    """A damage: other values in the description."""

    def damage(folder):
        about = read_json(folder / "system.json")
        write_json(folder / "system.json", {**about, **changes})

    return damage


def digested_garbage(folder):
    (folder / "member_0.safetensors").write_bytes(b"\0" * 99)
    digests = read_json(folder / "system.json")["sha256"]
    digests["member_0.safetensors"] = sha256(folder / "member_0.safetensors")
    redescribed(sha256=digests)(folder)


DAMAGED = {
    "garbage of the right digest": (digested_garbage, "member_0.safetensors must hold arrays as"),
    "nested": (
        lambda folder: (folder / "system.json").write_text("[" * 10**6),
        "damaged/system.json must describe a system",
    ),
    "samples without end": (redescribed(sample_rate=10**12), "must describe a system"),
    "clips without end": (redescribed(seconds=1e9), "must describe a system"),
    "no distance": (redescribed(distance_limit=1e-300), "must describe a system"),
    "an output twice": (redescribed(outputs=["a", "a"]), "must be different names"),
    "a formula as a class": (redescribed(outputs=["a", "=b"]), "must not begin like the formula"),
    "a formula as a warning": (redescribed(warning="@a"), "must not begin like the formula"),
    "members without end": (redescribed(members=10**10), "system.json must describe a system"),
    "no features": (redescribed(features=None), "system.json must .* lacks the features of model"),
    "no clips": (redescribed(sha256={}), "system.json must .* lacks the clips.safetensors of"),
    "too few columns": (redescribed(columns=[["a"]]), "system.json must .* lacks the columns of"),
    "other params": (redescribed(params={}), "damaged/system.json: the key 'models.svm"),
    "no description": (lambda folder: (folder / "system.json").unlink(), "has no system.json"),
    "no JSON": (lambda folder: (folder / "system.json").write_text("{"), "must describe a system"),
    "a key too many": (
        lambda folder: (folder / "system.json").write_text('{"format": 2}'),
        "must describe a system",
    ),
    "other weights": (
        lambda folder: (folder / "member_1.safetensors").write_bytes(b"\0" * 99),
        "must have the sha256",
    ),
    "no weights": (
        lambda folder: (folder / "member_0.safetensors").unlink(),
        "has no member_0.safetensors",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_folder_is_refused_in_a_sentence(project, case):
    damage, message = DAMAGED[case]
    select(model="svm")
    system.write(trained.of_run(Path("data/runs/svm")), project / "damaged")
    damage(project / "damaged")
    with pytest.raises(MerError, match=message):
        system.read(project / "damaged")


def test_a_description_of_other_outputs_is_refused_when_it_answers(project, raw):
    select(model="svm")
    system.write(trained.of_run(Path("data/runs/svm")), project / "fewer")
    redescribed(outputs=["Q1", "Q2"])(project / "fewer")
    with pytest.raises(MerError, match="fewer must hold arrays that fit its description"):
        predictor.load("fewer").predict(raw[0])


def test_a_corpus_whose_clips_no_song_can_be_cut_into_is_named(project, monkeypatch):
    select(model="svm")
    monkeypatch.setattr(trained, "seconds_of_clips", lambda _: 0.5)
    with pytest.raises(MerError, match=r"the corpus '\w+' must allow .* its seconds do not"):
        trained.of_run(Path("data/runs/svm"))


def no_weights(folder):
    shutil.rmtree(folder / "weights")


def other_source(folder):
    record = read_json(folder / "run.json")
    write_json(folder / "run.json", {**record, "source": "4qaed"})


def leaky_columns(folder):
    record = read_json(folder / "run.json")
    columns = {"select": "chi2", "k": 20, "leak": "before_split"}
    write_json(folder / "run.json", {**record, "columns": columns})


def with_the_digest_of_today(folder):
    record = read_json(folder / "run.json")
    write_json(folder / "run.json", {**record, **provenance.digest(selected())})


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
    "leak of columns": (
        "svm",
        {"columns__select": "chi2", "columns__k": 20, "columns__leak": "before_split"},
        leaky_columns,
        "columns.leak=before_split is a diagnostic",
    ),
    "another corpus": ("svm", {}, other_source, "is a run of source=4qaed"),
    "weights": ("hybrid", {}, no_weights, "must hold the network or estimator of that fold, and"),
    "layers": (
        "sincnet",
        {"models__sincnet__hidden": [8]},
        with_the_digest_of_today,
        "must be of the network that",
    ),
    "view": (
        "hybrid",
        {"views__louro__top_db": 60.0},
        with_the_digest_of_today,
        "must have been computed with the parameters of params.yaml",
    ),
    "parameter of the model": (
        "logistic_regression",
        {"models__logistic_regression__limit": 0.05},
        None,
        "and is a run of parameters_sha256=",
    ),
    "level of the corpus": (
        "svm",
        {"corpora__demo__peak_db": -9.0},
        None,
        "and is a run of parameters_sha256=",
    ),
    "length": ("hybrid", {"views__louro__seconds": None}, None, "view=louro keeps each clip's own"),
    "files": ("svm", {}, None, "'gone.wav': no such file"),
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
        run(monkeypatch, "predict", place, "--system", "data/runs/copy", "--out", "refused.csv")
    shutil.rmtree(folder, ignore_errors=True)
    said = capsys.readouterr().err
    assert message in " ".join(said.split())
    assert "Traceback" not in said
    assert not Path("refused.csv").exists()


def test_a_training_that_runs_is_said(project, raw, monkeypatch, capsys):
    monkeypatch.setattr("mer.pipeline.dvc_locks.writer", lambda _: 4711)
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, "predict", raw[0], "--system", "selected")
    said = " ".join(capsys.readouterr().err.split())
    assert "there is none; process 4711 is making it; wait for its end" in said


def test_a_bad_device_is_refused_before_a_song_is_read(project, raw, monkeypatch, capsys):
    select(model="svm")
    monkeypatch.setenv("MER_DEVICE", "tpu")
    monkeypatch.setattr(songs, "files", lambda _: pytest.fail("songs were looked for"))
    for words in (
        ("predict", raw[0], "--system", "data/runs/svm"),
        ("features", "musicnn", raw[0], "--out", "f.csv"),
    ):
        with pytest.raises(SystemExit, match="1"):
            run(monkeypatch, *words)
        said = capsys.readouterr().err
        assert "MER_DEVICE must be auto, cpu, cuda or cuda:<n>, not 'tpu'" in " ".join(said.split())


@pytest.mark.parametrize(
    ("scores", "distance"),
    [({"ood_score": 1.2}, predict.FARTHER), ({}, "")],
    ids=["table", "network"],
)
def test_the_mark_of_a_song_out_of_distribution_fits_a_terminal_of_80_columns(scores, distance):
    console = Console(width=80, record=True)
    row = {"id": "a" * 60, "seconds": 30.0, "possible": "Q4; Q3", "class": "Q4", "p_Q4": 0.5}
    row |= {"p_high_arousal": 0.2, "p_high_valence": 0.5, "out_of_distribution": True}
    row |= scores
    console.print(predict._shown(console, pd.DataFrame([row]), ""))
    lines = console.export_text().splitlines()
    row = next(number for number, line in enumerate(lines) if "aaa" in line)
    song, *caption = lines[row:]
    assert song.rstrip().endswith("0.50  OOD")
    assert " ".join(" ".join(caption).split()) == predict.OUT_OF_DISTRIBUTION.format(
        distance=distance
    )


def test_the_output_is_written_before_it_is_shown(project, raw, monkeypatch, capsys):
    """A terminal that ends loses nothing, and the finished answers beside the output go too."""
    select(model="svm")
    command = registry.get("cli", "predict")
    monkeypatch.setattr(
        command, "_shown", lambda *_: (_ for _ in ()).throw(MerError("no terminal"))
    )
    words = ["--out", "e.csv", "--curve", "c.csv", "--plot", "p.svg"]
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, "predict", raw[0], "--system", "data/runs/svm", *words)
    assert "no terminal" in capsys.readouterr().err
    assert list(pd.read_csv("e.csv")["id"]) == [raw[0]]
    assert all(Path(name).stat().st_size for name in ("c.csv", "p.svg"))
    assert not list(project.glob(".*.partial"))


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
    record = read_json(folder / "run.json")
    write_json(folder / "run.json", {**record, selector: value})
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, "predict", raw[0], "--system", str(folder))
    shutil.rmtree(folder)
    said = " ".join(capsys.readouterr().err.split())
    assert message in said
    assert remedy in said
