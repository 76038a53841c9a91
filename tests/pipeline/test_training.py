"""mer.pipeline.train: a run that is killed while it is written is not trained again."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import profile_of
from mer import registry
from mer.errors import MerError
from mer.io import artefacts
from mer.io.files import read_json
from mer.io.folds import read_folds, write_folds
from mer.io.predictions import read_predictions
from mer.io.standard import Standard
from mer.io.tracks import write_tracks
from mer.pipeline import code_digests, crossed_corpora, train
from mer.runtime.portable import instructions_are_limited
from mer.schema import Block
from mer.schema.augmentation import Policy
from mer.schema.profiles import Profile
from mer.selection import Selection
from mer.splits import split
from mer.types import FeatureTable, Fold

CHOSEN = Selection(
    model="constant",
    dataset="demo",
    target="quadrant",
    view="none",
    family="none",
    augment="classic",
    protocol="default",
    fidelity="described",
    profile="demo",
    seed=1,
)
PROFILE = profile_of(folds=2, repeats=1, batch_size=8, smoke_test=True)


@pytest.fixture
def prepared(tmp_path, monkeypatch, corpus):
    """A project with all that the constant row reads."""
    monkeypatch.chdir(tmp_path)
    CHOSEN.folder("index").mkdir(parents=True)
    write_tracks(CHOSEN.folder("index") / "tracks.csv", corpus, {})
    artefacts.write_manifest(CHOSEN.folder("index"))
    artefacts.write_absent(CHOSEN.folder("standard"), "no audio")
    folds = split(corpus, "cv10", seed=1, folds=2)
    write_folds(CHOSEN.folds, folds, protocol="cv10", shares_artists=True)
    return tmp_path / "run"


def run(target: Path, params: Block | None = None, **limits: int) -> dict[str, bytes]:
    params = params or registry.get("models", "constant").Params()
    profile = PROFILE.model_copy(update=limits)
    train.run(CHOSEN, params, Policy(), profile, target, keep_weights=True)
    return {file.name: file.read_bytes() for file in target.glob("*.*")}


def test_what_the_model_did_not_use_is_none_in_its_record(prepared):
    run(prepared)
    record = read_json(prepared / "run.json")
    assert [record[part] for part in ("view", "family", "augment")] == ["none"] * 3


def test_the_code_of_a_run_is_that_from_before_its_training(prepared, monkeypatch):
    """An edit of a file in the hours of a training does not count as the code that the weights fit."""
    gather = train.gather

    def edited(*given):
        monkeypatch.setattr(code_digests, "of_model", lambda _: {"models/constant.py": "edited"})
        return gather(*given)

    monkeypatch.setattr(train, "gather", edited)
    before = code_digests.of_model("constant")
    run(prepared)
    assert read_json(prepared / "code.json") == before


def test_a_file_that_was_left_out_counts_once_however_many_parts_its_clip_has(
    prepared, monkeypatch
):
    rows = [(f"{clip}#{part}", f"{clip}.wav", "silent") for clip in "ab" for part in range(4)]
    table = pd.DataFrame(rows, columns=["id", "path", "reason"])
    monkeypatch.setattr(train, "quarantined", lambda _: table)
    run(prepared)
    assert read_json(prepared / "run.json")["n_quarantined"] == 2


def test_a_run_records_its_test_clips_per_training_clip_for_the_corrected_test(prepared, corpus):
    """The mean over the folds; a training clip is any that is not tested."""
    ids = [track.id for track in corpus]
    train, val = tuple(ids[:60]), tuple(ids[60:80])
    folds = [Fold(n, 0, train, val, tuple(ids[80:end])) for n, end in enumerate((84, 120))]
    write_folds(CHOSEN.folds, folds, protocol="cv10", shares_artists=True)
    run(prepared)
    expected = (4 / 80 + 40 / 80) / 2
    assert read_json(prepared / "run.json")["test_per_train"] == pytest.approx(expected)


def killed(*_):
    raise KeyboardInterrupt


def run_until_it_is_written(prepared, monkeypatch, params=None):
    """A run that is killed when all of it is trained."""
    with monkeypatch.context() as patch:
        patch.setattr(train, "write_predictions", killed)
        with pytest.raises(KeyboardInterrupt):
            run(prepared, params)


def test_a_run_killed_while_it_is_written_is_not_trained_again(prepared, monkeypatch):
    whole = run(prepared)

    run_until_it_is_written(prepared, monkeypatch)
    monkeypatch.setattr(registry.get("learn.trainers", "sklearn_estimator"), "fit_predict", killed)
    assert run(prepared) == whole
    files = {
        "manifest.json",
        "predictions.parquet",
        "run.json",
        "code.json",
        "curves.csv",
        "trials.csv",
    }
    assert set(whole) == files
    assert list(Path(".mer/scratch").iterdir()) == []


class Params(Block):
    """Parameters of a model that has one."""

    c: float = 1.0


def test_a_run_does_not_continue_with_other_parameters(prepared, monkeypatch):
    run_until_it_is_written(prepared, monkeypatch, Params())
    monkeypatch.setattr(registry.get("learn.trainers", "sklearn_estimator"), "fit_predict", killed)
    with pytest.raises(KeyboardInterrupt):
        run(prepared, Params(c=2.0))
    assert run(prepared, Params())


def test_a_run_does_not_continue_with_other_labels(prepared, monkeypatch, corpus):
    run_until_it_is_written(prepared, monkeypatch)
    monkeypatch.setattr(registry.get("learn.trainers", "sklearn_estimator"), "fit_predict", killed)
    tracks = [replace(corpus[0], quadrant="Q4"), *corpus[1:]]
    write_tracks(CHOSEN.folder("index") / "tracks.csv", tracks, {})
    with pytest.raises(KeyboardInterrupt):
        run(prepared)


def test_a_profile_limits_the_folds(prepared):
    run(prepared, max_folds=1)
    predictions = read_predictions(prepared / "predictions.parquet").frame
    assert [*predictions["id"]] == sorted(read_folds(CHOSEN.folds)[0].test)
    assert set(predictions["fold"]) == {0}


def test_a_run_does_not_continue_on_another_device(prepared, monkeypatch):
    run_until_it_is_written(prepared, monkeypatch)
    monkeypatch.setattr(train, "_arithmetic", lambda _model: ("2.13.0", "cuda", False))
    monkeypatch.setattr(registry.get("learn.trainers", "sklearn_estimator"), "fit_predict", killed)
    with pytest.raises(KeyboardInterrupt):
        run(prepared)


def test_networks_round_as_their_device_does():
    assert train._arithmetic("svm") is None
    assert train._arithmetic("cnn") == (torch.__version__, "cpu", instructions_are_limited())


def stop_after(count, monkeypatch):
    """From now on, the time is up after so many trainings."""
    work = train.cross_validate

    def cut_short(model, params, data, folds, *, fold_map, **facts):
        def stopping(*given, **words):
            return (r if n < count else None for n, r in enumerate(fold_map(*given, **words)))

        return work(model, params, data, folds, fold_map=stopping, **facts)

    monkeypatch.setattr(train, "cross_validate", cut_short)


def test_a_run_that_lacks_time_says_how_many_folds_it_has(prepared, monkeypatch):
    whole = run(prepared)
    stop_after(1, monkeypatch)
    run(prepared)
    assert read_json(prepared / "run.json")["n_folds_planned"] == 2
    predictions = read_predictions(prepared / "predictions.parquet")
    assert set(predictions.frame["fold"]) == {0}
    assert "n_folds_planned" not in whole["run.json"].decode()


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (10, {"n_restarts": 5}),
        (9, {"n_restarts": 4, "n_restarts_planned": 5}),
        (3, {"n_restarts_planned": 5}),
        (1, {"n_folds_planned": 2, "n_restarts_planned": 5}),
    ],
)
def test_a_run_that_lacks_restarts_says_how_many_there_are(prepared, monkeypatch, count, expected):
    """Five restarts of both folds."""
    monkeypatch.setattr(Profile, "restarts", lambda *_: 5)
    stop_after(count, monkeypatch)
    run(prepared)
    record = read_json(prepared / "run.json")
    assert {
        key: n for key, n in record.items() if key.startswith("n_") and "quar" not in key
    } == expected


def test_a_run_without_time_for_any_fold_is_refused(prepared):
    params = registry.get("models", "constant").Params()
    with pytest.raises(MerError, match="at least one fold must end in the time given"):
        train.run(CHOSEN, params, Policy(), PROFILE, prepared, keep_weights=True, until=0.0)


@pytest.mark.parametrize("model", ["svm", "mlp", "constant"])
def test_an_estimator_loads_no_torch(model):
    """It takes as long to load as all else together, and half of all experiments are of estimators."""
    code = f"""
import sys
from mer import registry
from mer.pipeline import evaluate, train
from mer.learn.cross_validation import runs_sequentially, trainer_of
registry.get("models", "{model}")
assert trainer_of("{model}").uses_device == runs_sequentially("{model}") == False
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def with_folds_of_chosen():
    """A second corpus with the same folds and no audio; its index is empty."""
    other = replace(CHOSEN, dataset="other")
    other.folder("index").mkdir(parents=True)
    artefacts.write_absent(other.folder("standard"), "no audio")
    write_folds(other.folds, read_folds(CHOSEN.folds), protocol="cv10", shares_artists=True)
    return other


def test_a_file_on_both_sides_of_a_crossed_fold_is_refused(prepared, corpus):
    """The test clip of one corpus is a copy of a training clip of the other."""
    other = with_folds_of_chosen()
    folds = read_folds(CHOSEN.folds)
    files = {track.id: f"a{track.id}" for track in corpus}
    write_tracks(CHOSEN.folder("index") / "tracks.csv", corpus, files)
    theirs = {track.id: f"b{track.id}" for track in corpus}
    write_tracks(other.folder("index") / "tracks.csv", corpus, theirs)
    crossed = crossed_corpora.crossed(other, CHOSEN, folds)
    assert [fold.test for fold in crossed] == [fold.test for fold in folds]
    copied, tested = folds[0].train[0], folds[0].test[0]
    theirs[copied] = files[tested]
    write_tracks(other.folder("index") / "tracks.csv", corpus, theirs)
    with pytest.raises(
        MerError, match=f"'{tested}' is the same recording as '{copied}' of 'other'"
    ):
        crossed_corpora.crossed(other, CHOSEN, folds)


def test_the_same_samples_in_another_file_on_both_sides_of_a_crossed_fold_are_refused(
    prepared, corpus
):
    other, folds = with_folds_of_chosen(), read_folds(CHOSEN.folds)
    write_tracks(other.folder("index") / "tracks.csv", corpus, {})
    noise = np.random.default_rng(0).integers(-9, 9, (2 * len(corpus), 50), dtype=np.int16)
    copied, tested = folds[0].train[0], folds[0].test[0]

    def standardize(side, clips):
        shutil.rmtree(side.folder("standard"), ignore_errors=True)
        side.folder("standard").mkdir(parents=True)
        facts = Standard.write(side.folder("standard"), clips)
        artefacts.write_manifest(side.folder("standard"), rate=100, **facts)

    ids = sorted(track.id for track in corpus)
    ours = {id_: noise[row] for row, id_ in enumerate(ids)}
    theirs = {id_: noise[len(ids) + row] for row, id_ in enumerate(ids)}
    standardize(CHOSEN, [(id_, pcm, 1.0) for id_, pcm in ours.items()])
    standardize(other, [(id_, pcm, 1.0) for id_, pcm in theirs.items()])
    assert len(crossed_corpora.crossed(other, CHOSEN, folds)) == len(folds)
    theirs[copied] = ours[tested]
    standardize(other, [(id_, pcm, 1.0) for id_, pcm in theirs.items()])
    with pytest.raises(
        MerError, match=f"'{tested}' is the same recording as '{copied}' of 'other'"
    ):
        crossed_corpora.crossed(other, CHOSEN, folds)


def test_crossed_folds_are_those_of_the_same_number(prepared, corpus):
    """A fold whose test clips are all in quarantine is left out, and moves no other."""
    other, folds = with_folds_of_chosen(), read_folds(CHOSEN.folds)
    write_tracks(other.folder("index") / "tracks.csv", corpus, {})
    (crossed,) = crossed_corpora.crossed(other, CHOSEN, folds[1:])
    assert crossed.train == crossed_corpora.prefix_ids("other", folds[1].train)
    write_folds(other.folds, folds[1:], protocol="cv10", shares_artists=True)
    with pytest.raises(MerError, match="lacks fold 0 of repeat 0; take a protocol"):
        crossed_corpora.crossed(other, CHOSEN, folds)


@pytest.mark.parametrize(
    ("theirs", "shares"), [("artist 3", True), ("somebody else", False), (None, None)]
)
def test_a_crossed_run_compares_the_artists_of_both_corpora(prepared, corpus, theirs, shares):
    other = with_folds_of_chosen()
    tracks = [replace(track, artist=theirs) for track in corpus]
    write_tracks(other.folder("index") / "tracks.csv", tracks, {})
    crossed = crossed_corpora.crossed(other, CHOSEN, read_folds(CHOSEN.folds))
    assert any(track.artist == "artist 3" for track in corpus)
    assert crossed_corpora.shares_artists(other, CHOSEN, crossed) is shares


def test_the_record_of_a_crossed_run_says_whether_its_corpora_share_artists(
    prepared, corpus, monkeypatch
):
    """Not whether the folds of the tested corpus do."""
    other = with_folds_of_chosen()
    artefacts.write_manifest(other.folder("index"))
    tracks = [replace(track, artist="somebody else") for track in corpus]
    write_tracks(other.folder("index") / "tracks.csv", tracks, {})
    table = FeatureTable(tuple(t.id for t in corpus), ("x",), np.zeros((len(corpus), 1)))
    gather = train.gather
    monkeypatch.setattr(train, "gather", lambda *given: replace(gather(*given), table=table))
    params = registry.get("models", "constant").Params()
    train.run(CHOSEN, params, Policy(), PROFILE, prepared, keep_weights=False, source="other")
    record = read_json(prepared / "run.json")
    assert (record["source"], record["shares_artists"]) == ("other", False)
