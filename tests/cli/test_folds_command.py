"""``mer folds``: the folds of the pipeline, shown and exported."""

from dataclasses import replace

import pandas as pd
import pytest

from conftest import ROOT
from helpers.clone import copy_params
from mer import config
from mer.__main__ import main
from mer.io import artefacts, fold_tables
from mer.io.folds import read_folds
from mer.io.standard import write_quarantine
from mer.io.tracks import write_tracks
from mer.pipeline import folds


@pytest.fixture
def project(tmp_path, monkeypatch, corpus):
    """A project with an indexed corpus of which two clips are in quarantine."""
    copy_params(ROOT, tmp_path)
    monkeypatch.chdir(tmp_path)
    index, standard = tmp_path / "data/index/demo", tmp_path / "data/standard/demo"
    index.mkdir(parents=True)
    standard.mkdir(parents=True)
    write_tracks(index / "tracks.csv", corpus, {t.id: t.id for t in corpus})
    artefacts.write_manifest(standard)
    write_quarantine(standard, [("t001", "x", "silent"), ("t002", "x", "silent")])
    return tmp_path


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["mer", "folds", *words])
    main()


@pytest.mark.parametrize(
    ("profile", "sizes", "count"),
    [("paper", [], 100), ("demo", ["--folds", "4", "--repeats", "1"], 4)],
)
def test_exports_the_folds_of_the_stage(project, monkeypatch, capsys, profile, sizes, count):
    """Those of the profile demo need the numbers that docs/corpora.md names."""
    run(monkeypatch, "demo", *sizes, "--export", "f.csv")
    shown = capsys.readouterr().out
    assert shown.startswith(f"grouped: {count} folds of ")
    assert "artist is in training: 0.0%" in shown
    facts = {"own": "grouped", "profile": config.read(f"profiles.{profile}")[0]}
    here = (project / f"data/{name}/demo" for name in ("index", "standard"))
    folds.make(*here, project / "data/folds", **facts, profile_key=profile, seed=1)
    found = read_folds(project / "data/folds/default/demo.json")
    assert fold_tables.read(project / "f.csv") == found


def test_artists_of_a_corpus_that_names_none_are_unknown(project, monkeypatch, capsys, corpus):
    nameless = [replace(track, artist=None) for track in corpus]
    tracks = project / "data/index/demo/tracks.csv"
    write_tracks(tracks, nameless, {t.id: t.id for t in corpus})
    run(monkeypatch, "demo", "--protocol=cv10")
    assert capsys.readouterr().out.strip().endswith("is in training: unknown, for none is named")


def test_segments_are_not_parted_from_their_clip(project, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "4qaed_parts", "--protocol=cv10")
    assert "name '4qaed', whose folds it has" in " ".join(capsys.readouterr().err.split())


def test_an_unknown_corpus_is_named_and_those_that_are_known(project, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "4qead")
    error = " ".join(capsys.readouterr().err.split())
    assert "'4qaed'" in error
    assert error.endswith("not '4qead'; add a block to params/corpora.yaml")


def test_an_export_that_cannot_be_written_is_one_sentence(project, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "demo", "--export", "data")
    assert "the output must be a file, and data is a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("export", "folder"),
    [
        ("data/raw/demo/labels.csv", "data/raw/demo"),
        ("data/raw/demo/new/folds.csv", "data/raw/demo"),
        ("data/index/demo/tracks.csv", "data/index/demo"),
        ("data/standard/../index/demo/folds.csv", "data/index/demo"),
        ("data/standard/demo/quarantine.csv", "data/standard/demo"),
    ],
)
def test_an_export_into_the_corpus_is_refused(project, monkeypatch, capsys, export, folder):
    labels = project / "data/raw/demo/labels.csv"
    labels.parent.mkdir(parents=True)
    labels.write_text("path,quadrant\n")
    tracks = (project / "data/index/demo/tracks.csv").read_bytes()
    monkeypatch.setattr("mer.pipeline.folds.Corpus.split", lambda *_: pytest.fail("was split"))
    with pytest.raises(SystemExit, match="1"):
        run(monkeypatch, "demo", "--export", export)
    shown = " ".join(capsys.readouterr().err.split())
    assert f"{export} lies in the input {folder}; choose another place" in shown
    assert labels.read_text() == "path,quadrant\n"
    assert (project / "data/index/demo/tracks.csv").read_bytes() == tracks


def test_own_folds_are_exported_into_the_folder_of_the_corpus(project, monkeypatch):
    own = project / "data/raw/demo/folds.csv"
    own.parent.mkdir(parents=True)
    for place in (own, "data/raw/../raw/demo/folds.csv"):
        run(monkeypatch, "demo", "--protocol=leave_one_artist_out", "--export", str(place))
        assert fold_tables.read(own)
        own.unlink()


def test_other_numbers_of_folds(project, monkeypatch):
    run(monkeypatch, "demo", "--protocol=cv10x10", "--folds=5", "--repeats=3", "--export=f.csv")
    table = pd.read_csv("f.csv")
    assert table.groupby("repeat")["fold"].nunique().tolist() == [5, 5, 5]
    assert table["id"].nunique() == 118


def test_a_corpus_without_index(project, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "4qaed")
    assert "data/index/4qaed must be there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--repeats", "-1"], "argument --repeats: must be 1 or more, not -1"),
        (["--repeats", "0"], "argument --repeats: must be 1 or more, not 0"),
        (["--folds", "-3"], "argument --folds: must be 2 or more, not -3"),
        (
            ["--protocol=tvt_70_15_15", "--folds=5"],
            "--folds must be left out with protocol 'tvt_70",
        ),
        (["--protocol=cv10", "--repeats=2"], "choose one of ['cv10x10', 'grouped']"),
        (["--protocol=own"], "run `dvc repro data/dvc.yaml:index@demo`"),
        (
            ["--protocol=leave_one_artist_out", "--seed=2"],
            "--seed must be left out with protocol 'leave_one_artist_out', whose folds are not random",
        ),
    ],
)
def test_what_cannot_be_split_is_one_sentence(project, monkeypatch, capsys, words, message):
    with pytest.raises(SystemExit):
        run(monkeypatch, "demo", *words)
    said = " ".join(capsys.readouterr().err.split())
    assert message in said
    assert "Traceback" not in said


def test_the_protocol_own_is_that_of_a_table_or_of_the_labels(project, monkeypatch, capsys, corpus):
    table = project / "data/index/demo/folds.csv"
    table.write_text("id,side\nt003,train\nt004,test\n")
    run(monkeypatch, "demo", "--protocol=own")
    assert "own: 1 fold of 1 training, 0 validation and 1 test" in capsys.readouterr().out
    table.unlink()
    tracks = [replace(track, splits={"own": track.id[-1]}) for track in corpus]
    write_tracks(table.with_name("tracks.csv"), tracks, {t.id: t.id for t in corpus})
    run(monkeypatch, "demo", "--protocol=own")
    assert "own: 10 folds of" in capsys.readouterr().out


def test_too_many_folds_are_refused_with_an_option_of_this_command(project, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "demo", "--protocol=cv10", "--folds=95")
    error = " ".join(capsys.readouterr().err.split())
    assert "folds at most, as with `--folds " in error
    assert "-S" not in error


def test_repeats_that_test_the_same_clips_again_are_told(project, monkeypatch, caplog, corpus):
    few = [replace(track, artist=f"band {i % 10}") for i, track in enumerate(corpus)]
    write_tracks(project / "data/index/demo/tracks.csv", few, {t.id: t.id for t in corpus})
    run(monkeypatch, "demo")
    assert "have only 10 different test parts" in caplog.text
    assert "take fewer repeats, as with `--repeats 1`, or name more artists" in caplog.text
    caplog.clear()
    run(monkeypatch, "demo", "--repeats", "1")
    run(monkeypatch, "demo", "--protocol", "cv10x10")
    assert not caplog.messages
