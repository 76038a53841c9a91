import html
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from helpers import browser
from helpers.clone import copy_params
from helpers.ledger import SVM
from mer import config, metrics
from mer.errors import MerError
from mer.io import artefacts, files
from mer.io.files import write_json
from mer.io.predictions import write_predictions
from mer.io.tracks import write_tracks
from mer.predictions import Predictions
from mer.report import classes
from mer.report import page as report
from mer.report.axis import Axis
from mer.report.curves import panels
from mer.reproduction import published, spec
from mer.schema import ProtocolName
from mer.targets import class_scores
from mer.targets.labels import encode, target_of
from mer.types import QUADRANTS, Track

SELECTION = {
    **SVM,
    "protocol": "cv10x10",
    "profile": "paper",
    "seed": 1,
    "shares_artists": True,
    "n_quarantined": 2,
}
QUARANTINE = pd.DataFrame(
    [("z2", "Q1/z2.mp3", "shorter than 1.0 s"), ("z1", "Q1/z1.mp3", "cannot be decoded")],
    columns=["id", "path", "reason"],
)
CORPUS = {"citation": "Panda et al. 2020", "license": "CC0-1.0", "source": "http://example.org"}
DANCES = ("Tango", "slow waltz", "polka")
VOID = {"meta", "line", "rect", "circle"}


def tracks(n: int = 24) -> list[Track]:
    """Twice as many clips as artists."""
    return [
        Track(f"c{i:02}", QUADRANTS[i % 4], artist=f"artist {i // 2}", label=DANCES[i % 3])
        for i in range(n)
    ]


def predictions(
    of: Sequence[Track], target: str = "quadrant", repeats: int = 2, folds: int = 3
) -> Predictions:
    """Noisy answers, better than chance; clip i is tested in fold i % folds."""
    y, names = encode(of, target), target_of(target, of, None).names
    rng = np.random.default_rng(0)
    rows = []
    for repeat in range(repeats):
        for i, track in enumerate(of):
            p = rng.dirichlet(np.ones(len(names)) + 2 * np.eye(len(names))[y[track.id]]).round(4)
            rows.append((track.id, repeat, i % folds, y[track.id], *p))
    columns = ["id", "repeat", "fold", "y_true", *(f"p_{c}" for c in range(len(names)))]
    return Predictions(pd.DataFrame(rows, columns=columns), names)


def figures(of: Predictions, **selection: object) -> dict:
    return {**SELECTION, **selection, **metrics.summary(of, seed=1)}


def page(of: Sequence[Track] | None = None, **selection: object) -> str:
    of = of or tracks()
    answers = predictions(of, str(selection.get("target", "quadrant")))
    return report.render(figures(answers, **selection), answers, of, QUARANTINE, [], CORPUS)


def words(markup: str) -> str:
    """What a reader sees, with single spaces."""
    body = re.sub(r"<style>.*?</style>", "", markup, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


class Nesting(HTMLParser):
    """Fails on an end tag that closes another element than the innermost open one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_startendtag(self, tag: str, _: object) -> None:
        assert tag in VOID


@pytest.mark.parametrize("target", ["quadrant", "valence", "arousal", "label"])
def test_every_figure_of_the_metrics_is_on_the_page(target: str) -> None:
    text = words(page(target=target))
    values = figures(predictions(tracks(), target))
    missing = [k for k, v in values.items() if isinstance(v, float) and f"{v:.4f}" not in text]
    assert missing == []
    assert "24 clips, 6 test folds" in text


@pytest.mark.parametrize("target", ["quadrant", "valence", "arousal", "label"])
def test_elements_are_nested(target: str) -> None:
    parser = Nesting()
    parser.feed(page(target=target))
    assert parser.open == []


def test_confusion_has_counts_and_shares_of_the_row() -> None:
    of = tracks(8)
    p = np.eye(4)[[0, 1, 2, 3, 0, 1, 3, 3]]  # one of the two Q3 is taken for Q4
    frame = pd.DataFrame({"id": [t.id for t in of], "repeat": 0, "fold": [0, 1] * 4})
    frame = frame.assign(y_true=[0, 1, 2, 3] * 2, **{f"p_{c}": p[:, c] for c in range(4)})
    answers = Predictions(frame, QUADRANTS)
    text = words(report.render(figures(answers), answers, of, QUARANTINE, [], CORPUS))
    assert "Q3 0 0.0 % 0 0.0 % 1 50.0 % 1 50.0 % Q4" in text
    assert "50.0 % as Q4" in text
    assert "c06 artist 3 Q3 → Q4 1.0000" in text


def test_recall_on_the_plane_is_that_of_the_confusion_matrix() -> None:
    of = tracks(8)
    frame = pd.DataFrame({"id": [t.id for t in of], "repeat": 0, "fold": [0] * 5 + [1] * 3})
    p = np.eye(4)[[1, 1, 2, 3, 0, 1, 2, 3]]  # of the first fold one Q1 is right, one wrong
    answers = Predictions(
        frame.assign(y_true=[0, 1, 2, 3] * 2, **{f"p_{c}": p[:, c] for c in range(4)}), QUADRANTS
    )
    text = words(report.render(figures(answers), answers, of, QUARANTINE, [], CORPUS))
    assert "Q1 happy 2 1.0000 0.5000" in text  # n, precision, recall
    assert "Q1 happy 0.5000 50.0 % as Q2" in text


def curves(of: int) -> pd.DataFrame:
    """Two trainings of a network, the first of ``of`` epochs and the second of one less."""
    rows = [(0, f, "1_dnn", e, 2.0 / e, 0.5) for f in (0, 1) for e in range(1, of + 1 - f)]
    return pd.DataFrame(rows, columns=["repeat", "fold", "phase", "epoch", "loss", "accuracy"])


def test_learning_curves_are_drawn_of_every_phase() -> None:
    answers = predictions(tracks())
    given = (figures(answers), answers, tracks(), QUARANTINE, [], CORPUS)
    text = words(markup := report.render(*given, learning=curves(4)))
    assert "dnn: training loss, 0.5000 at the end" in text
    assert 'points="0.0,0.0 93.3,60.0 186.7,80.0 280.0,90.0"' in markup
    assert "Learning curves" not in words(report.render(*given, learning=curves(0)))
    no_accuracy = curves(3).assign(accuracy=np.nan)
    assert "training accuracy" not in words(report.render(*given, learning=no_accuracy))


def test_a_training_of_one_epoch_is_a_point() -> None:
    (loss, accuracy) = panels(curves(1))
    assert (loss["line"], loss["epochs"], accuracy["end"]) == ("0.0,0.0", 1, [0.0, 60.0])


def test_a_published_figure_stands_beside_that_of_the_run(root: Path) -> None:
    answers = predictions(tracks())
    given = figures(answers)
    (params,) = config.read("models.svm", path=root / "params.yaml")
    found = published.figures(spec.load(root / "papers"), given, params)
    markup = report.render(given, answers, tracks(), QUARANTINE, [], CORPUS, published=found)
    assert f"are clipped 0.7559 {given['f1_macro']:.4f}" in words(markup)


def test_nasty_text_is_escaped() -> None:
    nasty = '<script src="http://evil">alert(1)</script>&"\''
    of = [replace(t, id=f"{nasty}{t.id}", artist=nasty + t.id) for t in tracks()]
    answers = predictions(of)
    left_out = QUARANTINE.assign(path=nasty, reason=nasty)
    corpus = dict.fromkeys(CORPUS, nasty)
    markup = report.render(figures(answers, model=nasty), answers, of, left_out, [nasty], corpus)
    assert "<script" not in markup
    assert html.unescape(markup).count(nasty) > 20


def test_nothing_is_loaded_and_nothing_runs() -> None:
    assert (
        re.findall(r"<(?:script|link|img|iframe|object)|\b(?:src|href)=|@import|url\(", page())
        == []
    )


def test_order_of_the_inputs_does_not_matter() -> None:
    of = tracks()
    answers = predictions(of)
    shuffled = Predictions(answers.frame.sample(frac=1, random_state=0), answers.classes)
    left_out = QUARANTINE.iloc[::-1]
    again = report.render(figures(answers), shuffled, of[::-1], left_out, [], CORPUS)
    assert again == page()


@pytest.mark.parametrize(
    ("dataset", "profile", "banner"),
    [
        ("demo", "demo", "Demo corpus and demo profile: proves"),
        ("demo_4qaed", "paper", "Demo corpus: proves"),
        ("4qaed", "demo", "Demo profile: proves"),
        ("4qaed", "miniature", "Demo profile: proves"),
        ("4qaed", "paper", None),
    ],
)
def test_a_demonstration_says_so(dataset: str, profile: str, banner: str | None) -> None:
    text = words(page(dataset=dataset, profile=profile))
    assert (banner in text) if banner else ("says nothing about music" not in text)


def test_mistakes_are_averaged_over_repeats_and_sorted() -> None:
    rows = [
        ("a", 0, 0, 0, 0.1, 0.9),
        ("a", 1, 0, 0, 0.3, 0.7),  # a: wrong with 0.8
        ("b", 0, 0, 0, 0.4, 0.6),
        ("b", 1, 0, 0, 0.9, 0.1),  # b: right on average
        ("c", 0, 0, 1, 0.9, 0.1),
        ("c", 1, 0, 1, 0.9, 0.1),  # c: wrong with 0.9
    ]
    frame = pd.DataFrame(rows, columns=["id", "repeat", "fold", "y_true", "p_0", "p_1"])
    of = [Track("a", "Q1", artist="x"), Track("b", "Q1"), Track("c", "Q2")]
    found = classes._mistakes(Predictions(frame, ("low", "high")), of)
    assert [tuple(row.values()) for row in found] == [
        ("c", None, "high", "low", 0.9),
        ("a", "x", "low", "high", 0.8),
    ]


def test_at_most_ten_mistakes() -> None:
    of = tracks(40)
    answers = predictions(of)
    answers = Predictions(answers.frame.assign(y_true=(answers.y_pred + 1) % 4), QUADRANTS)
    assert len(classes._mistakes(answers, of)) == classes.N_MISTAKES


def test_share_of_answers_whose_artist_stands_elsewhere() -> None:
    of = [Track("a", "Q1", artist="x"), Track("b", "Q1", artist="x"), Track("c", "Q1", artist="y")]
    of += [Track("d", "Q1"), Track("e", "Q1", artist="y")]
    frame = pd.DataFrame({"id": list("abcd"), "repeat": 0, "fold": [0, 1, 0, 1]})
    answers = Predictions(frame.assign(y_true=0, p_0=1.0, p_1=0.0), ("low", "high"))
    assert report._artists(answers, of, set()) == {"known": 4, "shared": 0.75}
    assert report._artists(answers, of, {"e"}) == {"known": 3, "shared": 0.5}


@pytest.mark.parametrize(
    ("shares", "artist", "sentence"),
    [
        (True, "x", "Artists stand in training and test"),
        (False, "x", "No artist stands in training and test"),
        (False, None, "The corpus names no artists"),
    ],
)
def test_protocol_says_whether_artists_are_shared(
    shares: bool, artist: str | None, sentence: str
) -> None:
    of = [replace(track, artist=artist) for track in tracks()]
    assert sentence in words(page(of, shares_artists=shares))


def test_every_protocol_has_words() -> None:
    assert set(report.PROTOCOLS) == {*get_args(ProtocolName)} - {"default"}


@pytest.mark.parametrize(
    ("selection", "options"),
    [
        ({}, "-S family=top100 -S augment=none -S protocol=cv10x10 -S fidelity=described"),
        ({"protocol": "own"}, "-S augment=none -S protocol=own -S fidelity=described"),
        ({"family": "none", "view": "louro"}, "-S view=louro -S augment=none"),
        ({"columns": {"grades": "AB", "k": 9}}, "-S seed=1 -S columns.grades=AB -S columns.k=9"),
    ],
)
def test_command_selects_the_same_again(selection: dict[str, str], options: str) -> None:
    command = words(page(**selection)).split("dvc exp run ")[1]
    assert options in command
    assert command.startswith("-S model=svm -S dataset=4qaed -S target=quadrant")


@pytest.mark.parametrize("n", [[5, 5, 5, 5], [7, 3], [1, 2, 3, 10]])
def test_constant_and_chance_against_scikit_learn(n: list[int]) -> None:
    y = np.repeat(np.arange(len(n)), n)
    most = np.full(len(y), np.argmax(n))
    constant = classes._constant(np.diag(n)[None], [f"c{c}" for c in range(len(n))])
    score = {"labels": range(len(n)), "zero_division": 0}
    assert constant["f1_macro"] == pytest.approx(f1_score(y, most, average="macro", **score))
    assert constant["f1_weighted"] == pytest.approx(f1_score(y, most, average="weighted", **score))
    even = np.diag(n)[None] @ np.ones((len(n), len(n))) * len(n)  # each class guessed equally often
    assert classes._chance(even) == pytest.approx(class_scores.per_class(even)[2].mean())


@pytest.mark.parametrize("values", [[0.5], [0.0], [1.0], [0.61, 0.68], [0.0, 1.0]])
def test_axis_holds_its_values(values: list[float]) -> None:
    scale = Axis.around(values)
    assert 0.0 <= scale.ticks[0] <= min(values) <= max(values) <= scale.ticks[-1] <= 1.0
    assert scale.at(scale.ticks[0]) == "0.00%"
    assert scale.at(scale.ticks[-1]) == "100.00%"
    assert (
        scale.at(scale.ticks[-1], origin=sum(scale.ticks[:: len(scale.ticks) - 1]) / 2) == "50.00%"
    )


def test_a_missing_metric_is_named() -> None:
    answers = predictions(tracks())
    incomplete = {k: v for k, v in figures(answers).items() if k != "accuracy"}
    with pytest.raises(MerError, match="must hold 'accuracy'"):
        report.render(incomplete, answers, tracks(), QUARANTINE, [], CORPUS)


def test_a_clip_outside_the_index_is_named() -> None:
    answers = predictions(tracks())
    with pytest.raises(MerError, match="index of '4qaed', which lacks 'c00'"):
        report.render(figures(answers), answers, tracks()[1:], QUARANTINE, [], CORPUS)


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (1, "they have no label: 1 file, a <00>.mp3 ("),
        (12, "they have no label: 12 files, a <00>.mp3, a <01>.mp3"),
        (12, "a <09>.mp3 and 2 more ( data/index/4qaed/unlabelled.csv )"),
    ],
)
def test_files_without_a_label_are_counted_and_the_first_ten_named(n: int, said: str) -> None:
    answers, unlabelled = predictions(tracks()), [f"a <{i:02}>.mp3" for i in range(n)]
    markup = report.render(figures(answers), answers, tracks(), QUARANTINE, unlabelled, CORPUS)
    assert said in words(markup)
    assert "<10>" not in words(markup)


def test_nothing_is_said_of_labels_where_every_file_has_one() -> None:
    assert "have no label" not in words(page())


def test_stage_writes_the_page(tmp_path: Path, root: Path) -> None:
    of, answers = tracks(), predictions(tracks())
    values = figures(answers, dataset="demo")
    for folder in ("data/runs/selected", "data/index/demo", "data/standard/demo"):
        (tmp_path / folder).mkdir(parents=True)
    write_json(tmp_path / "metrics/run.json", values)
    write_predictions(tmp_path / "data/runs/selected/predictions.parquet", answers)
    curves(0).to_csv(tmp_path / "data/runs/selected/curves.csv", index=False)
    (tmp_path / "papers").symlink_to(root / "papers")
    write_tracks(tmp_path / "data/index/demo/tracks.csv", of, {})
    files.write_csv(
        tmp_path / "data/index/demo/unlabelled.csv",
        [("path", "reason"), ("more.ogg", "no label")],
    )
    artefacts.write_absent(tmp_path / "data/standard/demo", "no audio")
    (corpus,) = config.read("corpora.demo", path=copy_params(root, tmp_path))
    command = [sys.executable, root / "stages/report.py"]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    written = (tmp_path / "data/report/report.html").read_text(encoding="utf-8")
    assert written == report.render(values, answers, of, QUARANTINE[:0], ["more.ogg"], corpus)


def test_a_browser_shows_the_figures(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(page(), encoding="utf-8")
    text = words(browser.dom(tmp_path / "report.html", tmp_path / "profile"))
    values = figures(predictions(tracks()))
    assert f"Macro-F1 {values['f1_macro']:.4f} 95 % interval {values['ci_low']:.4f}" in text
    assert "cannot be decoded" in text
