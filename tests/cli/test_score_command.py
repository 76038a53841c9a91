"""``mer score``: predictions of any program, scored on the folds of a protocol beside the ledger."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from conftest import ROOT
from helpers.clone import copy_params
from mer.__main__ import main
from mer.cli import _systems
from mer.cli import score as command
from mer.io import artefacts
from mer.io.files import read_json, write_json
from mer.io.standard import write_quarantine
from mer.io.tracks import write_tracks
from mer.pipeline.folds import Corpus
from mer.types import QUADRANTS

SEED = 1


@pytest.fixture
def tested(tmp_path, monkeypatch, corpus):
    """The test clips of the first repeat of ``grouped``, in a project whose index has a clip in quarantine:
    a table of ``id``, ``repeat``, ``fold`` and ``true``."""
    copy_params(ROOT, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "ledger", list)
    index, standard = tmp_path / "data/index/demo", tmp_path / "data/standard/demo"
    index.mkdir(parents=True)
    write_tracks(index / "tracks.csv", corpus, {t.id: t.id for t in corpus})
    artefacts.write_manifest(index, range=(1, 9))
    standard.mkdir(parents=True)
    artefacts.write_manifest(standard)
    write_quarantine(standard, [("t001", "x", "silent")])
    folds = [f for f in Corpus(index, standard).split("grouped", SEED) if f.repeat == 0]
    of = {track.id: track.quadrant for track in corpus}
    rows = [(id_, 0, fold.fold, of[id_]) for fold in folds for id_ in fold.test]
    return pd.DataFrame(rows, columns=["id", "repeat", "fold", "true"])


def run(monkeypatch, table, *words):
    table.to_csv("found.csv", index=False)
    monkeypatch.setattr(
        "sys.argv", ["mer", "score", "demo", "found.csv", "--out", "scores.json", *words]
    )
    main()
    return read_json(Path("scores.json"))


def answers(tested, rng):
    """A class for each clip, right in most."""
    wrong = rng.integers(4, size=len(tested))
    own = [q if rng.random() < 0.7 else QUADRANTS[w] for q, w in zip(tested["true"], wrong)]
    return tested[["id", "repeat"]].assign(**{"class": own})


def test_the_scores_are_those_of_scikit_learn_whatever_the_order_of_the_rows(
    tested, monkeypatch, rng, capsys
):
    table = answers(tested, rng)
    facts = run(monkeypatch, table.sample(frac=1, random_state=3))
    both = tested.assign(found=table["class"]).groupby("fold")
    expected = [f1_score(f["true"], f["found"], average="macro") for _, f in both]
    assert facts["folds"]["f1_macro"] == pytest.approx(expected, abs=1e-4)
    assert facts["f1_macro"] == pytest.approx(np.mean(expected), abs=1e-4)
    accuracy = [accuracy_score(f["true"], f["found"]) for _, f in both]
    assert facts["accuracy"] == pytest.approx(np.mean(accuracy), abs=1e-4)
    assert (facts["n_folds"], facts["n_clips"]) == (len(expected), len(tested))
    assert re.search(r"yours +found +0\.\d{4}", capsys.readouterr().out)


def test_the_folds_of_the_protocol_may_be_named(tested, monkeypatch, rng, caplog):
    """A table without them is scored, with a warning."""
    table = answers(tested, rng)
    named = run(monkeypatch, table.assign(fold=tested["fold"]))
    assert "no column" not in caplog.text
    assert run(monkeypatch, table) == named
    assert "found.csv has no column `fold`: it cannot be checked" in caplog.text


def test_scores_of_repeats_that_test_the_same_clips_again_are_told(
    tested, monkeypatch, corpus, tmp_path, rng, caplog
):
    """Ten artists fit into ten folds in one way."""
    few = [replace(track, artist=f"band {n % 10}") for n, track in enumerate(corpus)]
    write_tracks(tmp_path / "data/index/demo/tracks.csv", few, {t.id: t.id for t in corpus})
    index, standard = tmp_path / "data/index/demo", tmp_path / "data/standard/demo"
    folds = [f for f in Corpus(index, standard).split("grouped", SEED) if f.repeat < 2]
    rows = [(id_, fold.repeat, fold.fold) for fold in folds for id_ in fold.test]
    table = pd.DataFrame(rows, columns=["id", "repeat", "fold"])
    run(monkeypatch, table.assign(**{"class": "Q1"}))
    assert "the 20 folds of 2 repeats have only 10 different test parts" in caplog.text
    assert "as with `--repeats 1`" in caplog.text


def test_probabilities_and_the_classes_that_they_name_have_the_same_scores(
    tested, monkeypatch, rng
):
    table = answers(tested, rng)
    of_classes = run(monkeypatch, table)
    for name in QUADRANTS:
        table[f"p_{name}"] = np.where(table["class"] == name, 0.4, 0.2)
    assert run(monkeypatch, table.drop(columns="class")) == of_classes


@pytest.mark.parametrize("margin", [0.0, 0.00004])
def test_the_class_that_a_row_names_stays_the_answer_where_probabilities_are_rounded(
    tested, monkeypatch, margin
):
    """The first class is as probable, or nearly so."""
    table = tested[["id", "repeat"]].assign(**{"class": tested["true"]})
    for name in QUADRANTS:
        table[f"p_{name}"] = np.where(table["class"] == name, 0.5 + margin, 0.0)
    rival = np.where(table["class"] == QUADRANTS[0], QUADRANTS[1], QUADRANTS[0])
    for name in QUADRANTS[:2]:
        table.loc[rival == name, f"p_{name}"] = 0.5 - margin
    assert run(monkeypatch, table)["accuracy"] == 1
    if margin:
        assert run(monkeypatch, table.drop(columns="class"))["accuracy"] == 1


def test_a_system_of_the_ledger_on_the_same_folds_is_tested_against(
    tested, monkeypatch, rng, capsys
):
    facts = run(monkeypatch, answers(tested, rng))
    theirs = facts | {"model": "svm", "f1_macro": 0.1}
    worse = {name: [0.1 * s for s in facts["folds"][name]] for name in ("f1_macro", "accuracy")}
    theirs["folds"] = {**facts["folds"], **worse}
    moved = theirs | {"folds": {**theirs["folds"], "test_sha256": ["0"] * facts["n_folds"]}}
    others = {"elsewhere": theirs | {"protocol": "cv10"}, "relabelled": moved, "same": theirs}
    monkeypatch.setattr(command, "ledger", lambda: list(others.items()))
    capsys.readouterr()
    run(monkeypatch, answers(tested, np.random.default_rng(0)))
    shown = capsys.readouterr().out
    assert re.search(r"same +svm +0\.1000 .*0\.0\d{3}|same +svm +0\.1000.*< 0\.0001", shown)
    assert "elsewhere" not in shown
    assert "relabelled" not in shown


def test_other_numbers_of_folds_are_those_of_the_export(tested, monkeypatch, rng):
    """A table of ``mer folds --folds 4 --repeats 2``, as the profile demo has folds."""
    here = (Path(f"data/{name}/demo") for name in ("index", "standard"))
    folds = Corpus(*here).split("grouped", SEED, 4, 2)
    true = dict(zip(tested["id"], tested["true"], strict=True))
    rows = [(f.repeat, f.fold, id_, true[id_]) for f in folds for id_ in f.test]
    table = pd.DataFrame(rows, columns=["repeat", "fold", "id", "class"])
    facts = run(monkeypatch, table, "--folds", "4", "--repeats", "2")
    assert (facts["n_folds"], facts["accuracy"]) == (8, 1.0)
    with pytest.raises(SystemExit):
        run(monkeypatch, table)


def test_own_runs_on_the_same_folds_are_tested_against(tested, monkeypatch, rng, capsys):
    facts = run(monkeypatch, answers(tested, rng))
    Path("metrics").mkdir()
    write_json(_systems.FOLDS, facts.pop("folds"))
    write_json(_systems.RUN, facts | {"model": "hybrid"})
    capsys.readouterr()
    run(monkeypatch, answers(tested, np.random.default_rng(0)))
    assert re.search(r"selected +hybrid ", capsys.readouterr().out)
    write_json(_systems.RUN, facts | {"seed": 2})
    run(monkeypatch, answers(tested, rng))
    assert "selected" not in capsys.readouterr().out


def test_values_are_scored_within_the_scale(tested, monkeypatch, corpus, tmp_path):
    valued = [replace(t, valence=1 + n % 9, arousal=5.0) for n, t in enumerate(corpus)]
    write_tracks(tmp_path / "data/index/demo/tracks.csv", valued, {t.id: t.id for t in corpus})
    of = {track.id: track.valence for track in valued}
    table = tested[["id"]].assign(valence=[of[id_] if of[id_] < 9 else 30 for id_ in tested["id"]])
    facts = run(monkeypatch, table, "--target", "valence_value")
    assert (facts["ccc"], facts["rmse"]) == (1.0, 0.0)


FAULTS = [
    (lambda t: t.iloc[1:], r"lacks 1, the first is 't\d+' of repeat 0; predict the clips"),
    (lambda t: pd.concat([t, t.iloc[:1]]), "stands twice in repeat 0; remove one row"),
    (lambda t: pd.concat([t, t.iloc[:1].assign(id="t001")]), "has besides 1, the first is 't001'"),
    (lambda t: t.assign(repeat=1), "lacks .* of repeat 0"),
    (lambda t: t.assign(repeat="first"), "repeat must be a whole number from 0, not 'first'"),
    (lambda t: t.rename(columns={"class": "answer"}), "must have the columns p_Q1, .* or class"),
    (lambda t: t.assign(**{"class": "Q5"}), "Q5"),
    (lambda t: t.assign(**{f"p_{q}": 0.5 for q in QUADRANTS}), "must be 0 or more and sum to 1"),
    (
        lambda t: t.assign(
            **{"class": "Q2"}, **{f"p_{q}": 0.7 if q == "Q1" else 0.1 for q in QUADRANTS}
        ),
        "class must be the most probable one where there are probabilities, too, and is 'Q2'",
    ),
    (
        lambda t: t.assign(fold=0),
        r"is a test clip of fold [1-9] of repeat 0, not of fold 0, so found",
    ),
]


@pytest.mark.parametrize(("change", "message"), FAULTS)
def test_a_wrong_table_is_refused(tested, monkeypatch, rng, capsys, change, message):
    with pytest.raises(SystemExit):
        run(monkeypatch, change(answers(tested, rng)))
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
