import json

import numpy as np
import pandas as pd
import pytest

from mer import config
from mer.errors import AbsentError
from mer.io.artefacts import or_absent, write_manifest
from mer.io.files import write_json
from mer.io.predictions import write_predictions
from mer.io.tracks import write_tracks
from mer.pipeline import evaluate, mel, tabulated_facts
from mer.predictions import Predictions, ValuePredictions


@pytest.fixture
def run(tmp_path):
    """A run of four clips in two folds, one of them wrong, and curves of unequal length."""
    rows = [("a", 0, 0, 0, 0.9), ("b", 0, 0, 1, 0.2), ("c", 0, 1, 0, 0.4), ("d", 0, 1, 1, 0.1)]
    frame = pd.DataFrame(rows, columns=["id", "repeat", "fold", "y_true", "p_0"])
    folder = tmp_path / "run"
    folder.mkdir()
    write_manifest(folder)
    write_predictions(
        folder / "predictions.parquet",
        Predictions(frame.assign(p_1=1 - frame["p_0"]), ("low", "high")),
    )
    write_json(folder / "run.json", {"model": "svm", "seed": 1})
    curves = [
        (0, 0, "1_dnn", 1, 2.0, 0.5),
        (0, 0, "2_fusion", 1, 1.0, 0.6),
        (0, 1, "1_dnn", 1, 1.0, 0.7),
    ]
    curves += [(0, 1, "1_dnn", 2, 0.5, 0.9), (0, 1, "2_fusion", 1, 3.0, 0.8)]
    names = ["repeat", "fold", "phase", "epoch", "loss", "accuracy"]
    pd.DataFrame(curves, columns=names).to_csv(folder / "curves.csv", index=False)
    trials = "repeat,fold,trial,batch,adam,lr,objective,chosen\n0,0,1,32,1,1e-06,0.25,1\n"
    (folder / "trials.csv").write_text(trials)
    return folder


def test_metrics_hold_composition_and_scores(run, tmp_path):
    evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    metrics = json.loads((tmp_path / "run.json").read_text())
    assert (metrics["model"], metrics["n_clips"], metrics["accuracy"]) == ("svm", 4, 0.75)


def test_the_score_is_logged(run, tmp_path, caplog):
    with caplog.at_level("INFO", "mer"):
        evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    metrics = json.loads((tmp_path / "run.json").read_text())
    (message,) = caplog.messages
    assert message.startswith(f"f1_macro {metrics['f1_macro']:.4f}, 95 % interval ")
    assert message.endswith("on 4 clips in 2 folds")


def test_confusion_has_a_row_per_prediction(run, tmp_path):
    evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    pairs = pd.read_csv(tmp_path / "plots" / "confusion.csv")
    assert pairs.value_counts().to_dict() == {
        ("high", "high"): 2,
        ("low", "low"): 1,
        ("low", "high"): 1,
    }


def test_trials_of_a_search_are_handed_on(run, tmp_path):
    evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    (trial,) = pd.read_csv(tmp_path / "plots" / "trials.csv").to_dict("records")
    assert (trial["batch"], trial["lr"], trial["objective"], trial["chosen"]) == (32, 1e-6, 0.25, 1)


def test_curves_are_means_over_folds_phase_after_phase(run, tmp_path):
    evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    curve = pd.read_csv(tmp_path / "plots" / "curves.csv")
    assert curve.to_numpy().tolist() == [
        [1, "1_dnn", 1.5, 0.6],
        [2, "1_dnn", 0.5, 0.9],
        [3, "2_fusion", 2.0, 0.7],
    ]


def test_an_experiment_adds_deviations_intervals_and_the_scores_of_folds(run, tmp_path):
    evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    evaluate.score_experiment(run, tmp_path / "experiment.json", tmp_path / "confusion.csv")
    pairs = pd.read_csv(tmp_path / "confusion.csv")
    assert (list(pairs.columns), len(pairs)) == (["actual", "predicted"], 4)
    whole, found = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("run", "experiment"))
    assert whole.items() <= found.items()
    assert found["folds"]["accuracy"] == [1.0, 0.5]
    assert found["confusion"] == {"low": [1, 1], "high": [0, 2]}
    assert found["curves"]["1_dnn"] == {"loss": [1.5, 0.5], "accuracy": [0.6, 0.9]}
    assert found["accuracy_sd"] == pytest.approx(0.3536)
    assert found["accuracy_low"] <= found["accuracy"] <= found["accuracy_high"]


def test_the_curves_of_a_training_without_an_accuracy_have_its_loss_alone(run, tmp_path):
    curves = pd.read_csv(run / "curves.csv").assign(accuracy=np.nan)
    curves.to_csv(run / "curves.csv", index=False)
    evaluate.score_experiment(run, tmp_path / "experiment.json", tmp_path / "confusion.csv")
    found = json.loads((tmp_path / "experiment.json").read_text())
    assert found["curves"]["1_dnn"] == {"loss": [1.5, 0.5]}


def test_an_experiment_without_an_input_says_so_in_place_of_scores(tmp_path):
    run, metrics = tmp_path / "run", tmp_path / "experiment.json"
    with or_absent(run, model="crnn_mtat", target="quadrant", profile="demo"):
        raise AbsentError("weights not present")
    evaluate.score_experiment(run, metrics, tmp_path / "confusion.csv")
    composition = {"model": "crnn_mtat", "target": "quadrant", "profile": "demo"}
    assert json.loads(metrics.read_text()) == {"absent": "weights not present", **composition}
    assert len(pd.read_csv(tmp_path / "confusion.csv")) == 0


def test_the_scores_of_each_fold_stand_beside(run, tmp_path):
    evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    folds = json.loads((tmp_path / "folds.json").read_text())
    metrics = json.loads((tmp_path / "run.json").read_text())
    assert np.mean(folds["f1_macro"]) == pytest.approx(metrics["f1_macro"], abs=1e-4)
    assert len(folds["accuracy"]) == metrics["n_folds"]


def test_a_score_that_some_fold_lacks_is_in_no_paired_test(run, tmp_path):
    """Of two folds by artist, one has clips of the class low alone."""
    rows = [("a", 0, 0, 0.9), ("b", 0, 0, 0.8), ("c", 1, 1, 0.1), ("d", 1, 0, 0.9)]
    frame = pd.DataFrame(rows, columns=["id", "fold", "y_true", "p_0"])
    frame = frame.assign(repeat=0, p_1=1 - frame["p_0"])
    frame = frame[["id", "repeat", "fold", "y_true", "p_0", "p_1"]]
    write_predictions(run / "predictions.parquet", Predictions(frame, ("low", "high")))
    evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    evaluate.score_experiment(run, tmp_path / "experiment.json", tmp_path / "confusion.csv")
    folds, found = (
        json.loads((tmp_path / f"{n}.json").read_text()) for n in ("folds", "experiment")
    )
    assert folds == found["folds"]
    digests = folds.pop("test_sha256")
    assert folds == {name: [1.0, 1.0] for name in ("f1_macro", "accuracy", "f1_micro")}
    assert len({*digests}) == 2
    assert found["f1_high"] == 1.0


def test_a_run_of_values_has_pairs_of_values_in_place_of_pairs_of_classes(run, tmp_path):
    columns = {"y_valence": [1.0, 3.0], "p_valence": [2.0, 5.0], "constant_valence": [4.0, 4.0]}
    frame = pd.DataFrame({"id": ["a", "b"], "repeat": 0, "fold": 0, **columns})
    found = ValuePredictions(frame, ("valence",), (1.0, 9.0))
    write_predictions(run / "predictions.parquet", found)
    evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    confusion, values = (pd.read_csv(tmp_path / f"plots/{n}.csv") for n in ("confusion", "values"))
    assert (list(confusion.columns), len(confusion)) == (["actual", "predicted"], 0)
    assert list(values.columns) == ["value", "actual", "predicted"]
    assert values.to_numpy().tolist() == [["valence", 1.0, 2.0], ["valence", 3.0, 5.0]]
    figures = json.loads((tmp_path / "run.json").read_text())
    assert not any(name.endswith("_valence") for name in figures)


def test_counts_are_those_of_the_index(corpus, tmp_path):
    (tmp_path / "demo_x").mkdir()
    write_tracks(tmp_path / "demo_x" / "tracks.csv", corpus[:-1], {})
    write_manifest(tmp_path / "demo_x")
    tabulated_facts.write_counts(tmp_path / "demo_x", tmp_path / "counts.json")
    assert json.loads((tmp_path / "counts.json").read_text()) == {
        "dataset": "demo_x",
        "n_clips_q1": 30,
        "n_clips_q2": 30,
        "n_clips_q3": 30,
        "n_clips_q4": 29,
        "n_clips_total": 119,
        "valence_low": 60,
        "valence_high": 59,
        "arousal_low": 59,
        "arousal_high": 60,
    }


def test_clips_that_were_cut_are_scored_beside_their_parts(run, tmp_path):
    """Of each clip, the mean over its parts: one of b's is wrong, and b is right on average."""
    rows = [("a#0", 0, 0.9), ("a#1", 0, 0.8), ("b#0", 1, 0.9), ("b#1", 1, 0.2), ("b#2", 1, 0.2)]
    frame = pd.DataFrame(rows, columns=["id", "y_true", "p_0"])
    frame = frame.assign(repeat=0, fold=0, p_1=1 - frame["p_0"])
    frame = frame[["id", "repeat", "fold", "y_true", "p_0", "p_1"]]
    write_predictions(run / "predictions.parquet", Predictions(frame, ("low", "high")))
    evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    metrics = json.loads((tmp_path / "run.json").read_text())
    assert (metrics["n_clips"], metrics["n_segments"], metrics["accuracy"]) == (2, 5, 0.8)
    assert metrics["clip_accuracy"] == 1.0


def test_clips_that_were_cut_are_scored_round_by_round(run, tmp_path):
    """In the second round b is wrong: half of the clips are right, as of the parts."""
    rows = [("a#0", 0, 0, 0.9), ("a#1", 0, 0, 0.8), ("b#0", 1, 0, 0.6), ("b#1", 1, 0, 0.1)]
    rows += [("a#0", 0, 1, 0.9), ("a#1", 0, 1, 0.8), ("b#0", 1, 1, 0.6), ("b#1", 1, 1, 0.7)]
    frame = pd.DataFrame(rows, columns=["id", "y_true", "repeat", "p_0"])
    frame = frame.assign(fold=0, p_1=1 - frame["p_0"])
    frame = frame[["id", "repeat", "fold", "y_true", "p_0", "p_1"]]
    write_predictions(run / "predictions.parquet", Predictions(frame, ("low", "high")))
    evaluate.score_experiment(run, tmp_path / "experiment.json", tmp_path / "confusion.csv")
    found = json.loads((tmp_path / "experiment.json").read_text())
    assert (found["n_segments"], found["n_folds"], found["n_clips"]) == (4, 2, 2)
    assert (found["accuracy"], found["accuracy_sd"]) == (0.625, pytest.approx(0.1768))
    assert (found["clip_accuracy"], found["clip_accuracy_sd"]) == (0.75, pytest.approx(0.3536))
    assert (found["clip_accuracy_low"], found["clip_accuracy_high"]) == (0.5, 1.0)


def test_whole_clips_have_no_scores_of_clips_beside(run, tmp_path):
    evaluate.score_run(run, tmp_path / "run.json", tmp_path / "folds.json", tmp_path / "plots")
    assert not any(
        name.startswith("clip_") for name in json.loads((tmp_path / "run.json").read_text())
    )


def test_thresholds_come_with_the_clips_on_either_side(corpus, tmp_path):
    folder = tmp_path / "demo_x"
    folder.mkdir()
    write_tracks(folder / "tracks.csv", [t for t in corpus if t.quadrant != "Q3"], {})
    write_manifest(folder, thresholds={"valence": 0.56701, "arousal": 0.587})
    tabulated_facts.write_counts(folder, tmp_path / "counts.json")
    found = json.loads((tmp_path / "counts.json").read_text())
    assert (found["valence_threshold"], found["arousal_threshold"]) == (0.567, 0.587)
    assert (found["valence_low"], found["valence_high"]) == (30, 60)
    assert (found["arousal_low"], found["arousal_high"]) == (30, 60)


def test_settings_are_those_of_view_trainings_and_layers(root, tmp_path):
    (view,) = config.read("views.4qaed_10s", path=root / "params.yaml")
    params = config.read("models.ae_bilstm", path=root / "params.yaml")[0]
    params = params.model_copy(update={"filters": (2, 2)})
    folder = tmp_path / "demo_x"
    folder.mkdir()
    mels = [np.zeros((3, 216, 128))]
    mel.write(folder, ("a",), mels, 216, view)
    tabulated_facts.write_settings("ae_bilstm", params, folder, tmp_path / "settings.json")
    found = json.loads((tmp_path / "settings.json").read_text())
    expected = {
        "sample_rate": 22050,
        "n_fft": 2048,
        "hop_length": 1024,
        "frames": 216,
        "autoencoder_lr": 0.001,
        "classifier_batch": 10,
        "pool_2_frames": 54,
        "pool_2_mels": 32,
        "conv_5_maps": 1,
    }
    assert {name: found[name] for name in expected} == expected
