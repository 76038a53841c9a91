"""Gains of one training on another: intervals against their closed form."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import ROOT
from mer.errors import MerError
from mer.io.artefacts import write_absent, write_manifest
from mer.io.files import write_json
from mer.io.predictions import write_predictions
from mer.metrics import bootstrap_scores, fold_scores, intervals
from mer.predictions import Predictions
from mer.reproduction import improvement, spec

WIDTH = 2 * 1.96  # of an interval, in deviations


def answers(right, parts=1):
    """Predictions of which ``right`` [shape=(rounds, clips)] are; every part of a clip as the clip."""
    rows = [
        (f"{clip:03d}#{part}", round_, 0, clip % 2, float((clip % 2 == 0) == is_right))
        for round_, clips in enumerate(right)
        for clip, is_right in enumerate(clips)
        for part in range(parts)
    ]
    frame = pd.DataFrame(rows, columns=["id", "repeat", "fold", "y_true", "p_0"])
    return Predictions(frame.assign(p_1=1 - frame["p_0"]), ("low", "high"))


def width(found, name="accuracy"):
    return found[f"{name}_high"] - found[f"{name}_low"]


def test_what_is_no_other_gains_nothing_for_sure(rng):
    found = answers(rng.random((1, 40)) < 0.6)
    assert set(improvement.improvement(found, found, 1).values()) == {0.0}


def test_a_gain_is_the_difference_of_the_means_over_rounds(rng):
    ours, theirs = (answers(rng.random((4, 40)) < skill) for skill in (0.8, 0.6))
    found = improvement.improvement(ours, theirs, 1)
    for name in improvement.SCORES:
        expected = fold_scores(ours)[name].mean() - fold_scores(theirs)[name].mean()
        assert found[name] == pytest.approx(expected, abs=1e-4)
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]


def test_of_one_round_the_interval_is_that_of_paired_differences(rng):
    """Their mean has the variance of the differences over the clips; unpaired it would be wider."""
    theirs = rng.random(200) < 0.6
    ours = theirs | (rng.random(200) < 0.2)
    found = improvement.improvement(answers([ours]), answers([theirs]), 1)
    paired = (ours.astype(float) - theirs).std() / np.sqrt(200)
    apart = np.sqrt((ours.var() + theirs.var()) / 200)
    assert width(found) == pytest.approx(WIDTH * paired, rel=0.08)
    assert width(found) < 0.7 * WIDTH * apart


def test_where_only_seeds_differ_the_interval_is_that_of_the_mean_of_rounds():
    """Rounds that are all right or all wrong know no noise of clips: two means of eight coins each."""
    ours = np.repeat([[1], [0]] * 4, 30, axis=1).astype(bool)
    found = improvement.improvement(answers(ours), answers(~ours), 1)
    coin = np.var([0, 1] * 4, ddof=1)
    assert found["accuracy"] == 0
    assert width(found) == pytest.approx(WIDTH * np.sqrt(2 * coin / 8), rel=0.05)


@pytest.mark.parametrize("restarts", [2, 4, 8])
def test_few_restarts_vary_as_their_mean_does(restarts):
    """Samples of all n restarts, not n - 1, would vary less: 1.41 times for two, 1.07 for eight."""
    coins = np.array([0, 1] * (restarts // 2))
    found = answers(np.repeat(coins[:, None], 30, axis=1))
    sampled = improvement._sampled(found, np.ones((1, 30)), np.random.default_rng(1))
    expected = np.sqrt(coins.var(ddof=1) / restarts)
    assert sampled["accuracy"].std() == pytest.approx(expected, rel=0.03)


def test_both_noises_add_up(rng):
    clips, seeds = rng.random(150) < 0.5, np.array([1, 0, 1, 1, 0, 1, 0, 1], bool)[:, None]
    theirs = answers(np.zeros((8, 150), bool))
    both, of_clips, of_seeds = (
        width(improvement.improvement(answers(np.broadcast_to(right, (8, 150))), theirs, 1))
        for right in (clips & seeds, clips & True, seeds & True)
    )
    share, skill = seeds.mean(), clips.mean()
    expected = np.hypot(share * of_clips, skill * of_seeds)
    assert both == pytest.approx(expected, rel=0.15)


def test_parts_of_a_clip_are_no_clips_of_their_own(rng):
    right = rng.random((2, 3, 60)) < 0.6
    one, four = (
        improvement.improvement(*(answers(r, parts) for r in right), seed=1) for parts in (1, 4)
    )
    assert one == four


def test_other_clips_or_labels_are_refused(rng):
    right = rng.random((1, 12)) < 0.5
    with pytest.raises(MerError, match="same test clips and labels, but only one has '011#0'"):
        improvement.improvement(answers(right), answers(right[:, :-1]), 1)


def test_runs_of_several_folds_are_refused(rng):
    of_folds = answers(rng.random((1, 40)) < 0.6)
    of_folds.frame["fold"] = np.arange(40) % 4
    with pytest.raises(MerError, match="one has several folds in a repeat"):
        improvement.improvement(of_folds, of_folds, 1)


def test_the_interval_of_one_system_is_the_mean_over_rounds_of_the_same_draws(rng):
    found = answers(rng.random((3, 20)) < 0.6)
    scores = bootstrap_scores(found, np.ones((1, 20)))
    assert scores["accuracy"][:, 0] == pytest.approx(fold_scores(found)["accuracy"])
    low, high = intervals(found, 1)["accuracy"]
    assert low < scores["accuracy"].mean() < high


EVERY = spec.load(ROOT / "papers")
TABLE = "pandrea_sincnet_table"


def test_published_gains_stand_beside_ours(rng, tmp_path):
    keys = {"transfer1_4qaed", "sincnet_200ms_4qaed"}
    for key in keys:
        run = tmp_path / f"demo_{key}"
        run.mkdir()
        write_manifest(run)
        write_predictions(run / "predictions.parquet", answers(rng.random((2, 20)) < 0.5))
        write_json(run / "run.json", {"seed": 1, "profile": "demo", "n_restarts": 2})
    table = EVERY.tables[TABLE]
    columns = {"4qaed": table.columns["4qaed"]}
    rows = {row: table.rows[row] for row in ("transfer1", "sincnet_200ms")}
    every = EVERY.model_copy(
        update={"tables": {TABLE: table.model_copy(update={"columns": columns, "rows": rows})}}
    )
    path = tmp_path / "improvement.json"
    improvement.write(every, TABLE, tmp_path, "demo_", path)
    found = json.loads(path.read_text())["transfer1"]["sincnet_200ms"]["4qaed"]
    assert (found["f1_weighted_published"], found["accuracy_published"]) == (-0.01, -0.01)
    assert (found["n_clips"], found["n_restarts"], found["profile"]) == (20, 2, "demo")


def test_a_run_that_is_absent_leaves_its_reason(tmp_path):
    for ours, theirs in improvement.cells(EVERY, TABLE).values():
        for key in (ours, theirs):
            write_absent(tmp_path / key, "no audio")
    improvement.write(EVERY, TABLE, tmp_path, "", tmp_path / "improvement.json")
    found = json.loads((tmp_path / "improvement.json").read_text())
    expected = {"absent": "no audio", "f1_weighted_published": 0.01, "accuracy_published": 0.04}
    assert found["mlp_combined"]["mlp_compare"]["4qaed"] == expected


@pytest.mark.parametrize("there", [0, 1])
def test_a_gain_needs_both_runs(tmp_path, there):
    runs = [tmp_path / "ours", tmp_path / "theirs"]
    runs[there].mkdir()
    write_manifest(runs[there])
    write_absent(runs[1 - there], "no audio")
    assert improvement._figures(*runs) == {"absent": "no audio"}


@pytest.mark.parametrize(("name", "values"), [("profile", ("demo", "paper")), ("seed", (1, 2))])
def test_runs_of_unlike_profiles_or_seeds_are_not_compared(rng, tmp_path, name, values):
    runs = [tmp_path / "ours", tmp_path / "theirs"]
    for run, value in zip(runs, values, strict=True):
        run.mkdir()
        write_manifest(run)
        write_predictions(run / "predictions.parquet", answers(rng.random((2, 20)) < 0.5))
        write_json(run / "run.json", {"seed": 1, "profile": "demo", name: value})
    expected = {"absent": f"{name} {values[0]} and {values[1]} cannot be compared"}
    assert improvement._figures(*runs) == expected


def test_the_stage_depends_on_the_runs_that_it_reads():
    stage = yaml.safe_load((ROOT / "papers/dvc.yaml").read_text())["stages"]["improvement"]
    table, _ = stage["cmd"].partition("stages/improvement.py ")[2].split()
    keys = improvement.cells(EVERY, table).values()
    read = {f"data/runs/pandrea_sincnet/${{miniature}}{key}" for pair in keys for key in pair}
    assert {path for path in stage["deps"] if path.startswith("data/runs")} == read


def test_only_systems_on_one_split_are_compared():
    found = improvement.cells(EVERY, "pandrea_sincnet_table")
    assert {column for _, _, column in found} == {"4qaed", "ch818", "tr_music"}
    assert ("mixed_mlp", "mlp_compare", "4qaed") in found
