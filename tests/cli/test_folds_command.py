"""``mer folds``: the folds of the pipeline, shown and exported."""

import pandas as pd
import pytest

from conftest import ROOT, profile_of
from helpers.clone import copy_params
from mer.__main__ import main
from mer.io import artefacts, fold_tables
from mer.pipeline import folds


@pytest.fixture
def project(tmp_path, monkeypatch, corpus):
    """A project with an indexed corpus of which two clips are in quarantine."""
    copy_params(ROOT, tmp_path)
    monkeypatch.chdir(tmp_path)
    index, standard = tmp_path / "data/index/demo", tmp_path / "data/standard/demo"
    index.mkdir(parents=True)
    standard.mkdir(parents=True)
    artefacts.write_tracks(index / "tracks.csv", corpus, {t.id: t.id for t in corpus})
    artefacts.write_manifest(standard)
    artefacts.write_quarantine(standard, [("t001", "x", "silent"), ("t002", "x", "silent")])
    return tmp_path


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["mer", "folds", *words])
    main()


def test_exports_the_folds_of_the_stage(project, monkeypatch, capsys):
    run(monkeypatch, "demo", "--export", "f.csv")
    shown = capsys.readouterr().out
    assert shown.startswith("grouped: 100 folds of 10")
    assert "artist is in training: 0.0%" in shown
    profile = profile_of()
    here = (project / f"data/{name}/demo" for name in ("index", "standard"))
    folds.make(*here, project / "data/folds", own="grouped", profile=profile, seed=1)
    found = artefacts.read_folds(project / "data/folds/default/demo.json")
    assert fold_tables.read(project / "f.csv") == found


def test_an_export_that_cannot_be_written_is_one_sentence(project, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "demo", "--export", "data")
    assert "the output must be a file, and data is a folder" in capsys.readouterr().err


def test_other_numbers_of_folds(project, monkeypatch):
    run(monkeypatch, "demo", "--protocol=cv10x10", "--folds=5", "--repeats=3", "--export=f.csv")
    table = pd.read_csv("f.csv")
    assert table.groupby("repeat")["fold"].nunique().tolist() == [5, 5, 5]
    assert table["id"].nunique() == 118


def test_a_corpus_without_index(project, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "4qaed")
    assert "data/index/4qaed must be there" in capsys.readouterr().err
