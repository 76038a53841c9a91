"""The system that comes with the package, in a folder without a project: its answers and its card."""

import copy
import csv
import inspect
import io
import os
import re
import resource
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

import mer
from conftest import ROOT
from mer.__main__ import main
from mer.inference import predictor, release, system
from mer.learn.estimator_arrays import restored

RATE = 22050
SHIPPED = ROOT / "pretrained" / predictor.DEFAULT


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A folder outside of the repository, with another program's params.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("train: {lr: 0.1}\n")
    return tmp_path


@pytest.fixture(scope="module")
def chord():
    seconds = np.arange(6 * RATE) / RATE
    return sum(np.sin(2 * np.pi * hertz * seconds) for hertz in (220, 261.6, 329.6)) / 4


def test_a_system_that_was_written_again_is_read_again(tmp_path):
    old = predictor.load_system(predictor.DEFAULT)
    for title in ("first", "second"):
        about = old.about.model_copy(update={"title": title})
        system.write(replace(old, about=about), tmp_path / "own")
        found = predictor.load(tmp_path / "own").system
        assert found.about.title == title
        assert predictor.load(tmp_path / "own").system is found


def test_a_predictor_answers_as_one_system_and_from_any_working_folder(nowhere, chord, monkeypatch):
    """The newest one, also where the names of its classes have changed."""
    old, sub = predictor.load_system(predictor.DEFAULT), nowhere / "sub"
    system.write(old, nowhere / "own")
    found = predictor.load("own")
    sub.mkdir()
    sf.write(sub / "song.wav", chord, RATE)
    about = old.about.model_copy(update={"outputs": ("a", "b", "c", "d")})
    system.write(replace(old, about=about), nowhere / "own")
    monkeypatch.chdir(sub)
    assert {"p_a", "p_d"} <= set(found.predict("song.wav"))
    system.write(old, nowhere / "own")
    assert {"p_Q1", "p_Q4"} <= set(found.predict_array(chord, RATE))


def test_a_system_that_is_written_anew_is_not_mixed_with_the_old_one(nowhere):
    old = predictor.load_system(predictor.DEFAULT)
    system.write(old, nowhere / "own")
    place, written = nowhere / "own", predictor._written(nowhere / "own")
    system.write(old, place)
    with pytest.raises(mer.MerError, match="own must stay as it is while it answers"):
        predictor.answer_file(place, written, None, None, "song.wav")


def test_features_of_a_gpu_are_computed_by_one_process(nowhere, chord, monkeypatch):
    """As many processes as cores would each hold the network on it."""
    for name in ("1.wav", "2.wav"):
        sf.write(name, chord, RATE)
    used = []

    def one_by_one(work, paths, *, label, sequential):
        used.append(sequential)
        return map(work, paths)

    monkeypatch.setenv("MER_JOBS", "2")
    monkeypatch.setattr("mer.runtime.parallel.parallel_map", one_by_one)
    for on_gpu in (True, False):
        monkeypatch.setattr("mer.features.musicnn.on_gpu", lambda on_gpu=on_gpu: on_gpu)
        mer.load().predict(["1.wav", "2.wav"])
        mer.features("musicnn", ["1.wav", "2.wav"])
    assert used == [True, True, False, False]


def test_a_fault_of_standard_input_names_it_as_it_was_given(nowhere, monkeypatch, capsys, caplog):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"no music" * 99)))
    monkeypatch.setattr("sys.argv", ["mer", "predict", "-"])
    with pytest.raises(SystemExit):
        main()
    assert "'-' is left out" in caplog.text
    assert "must be usable; '-': " in " ".join(capsys.readouterr().err.split())


def test_a_name_with_a_carriage_return_is_one_cell(nowhere, chord, monkeypatch):
    sf.write("a\rb.wav", chord, RATE)
    for words in (["predict"], ["features", "compare_lld"]):
        monkeypatch.setattr("sys.argv", ["mer", *words, "a\rb.wav", "--out", "t.csv"])
        main()
        with (nowhere / "t.csv").open(newline="") as stream:
            assert [row["id"] for row in csv.DictReader(stream)] == ["a\rb.wav"]


def test_a_song_is_answered_outside_of_the_repository(nowhere, chord):
    sf.write("Ünïcode ♪.wav", chord, RATE)
    with open("Ünïcode ♪.wav", "rb") as song:  # noqa: PTH123
        command = [sys.executable, "-m", "mer", "predict", "-", "Ünïcode ♪.wav", "--out", "-"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, stdin=song, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    first, second = pd.read_csv(pd.io.common.StringIO(done.stdout)).to_dict("records")
    assert (first.pop("id"), second.pop("id")) == ("-", "Ünïcode ♪.wav")
    assert first == second
    assert "quadrants by MusiCNN" in done.stderr
    assert after.ru_utime - before.ru_utime < 30  # 3 s on an idle machine
    assert {path.name for path in nowhere.iterdir()} == {"params.yaml", "Ünïcode ♪.wav"}


def test_a_closed_pipe_loses_no_file(nowhere, chord):
    sf.write("song.wav", chord, RATE)
    reader, writer = os.pipe()
    os.close(reader)
    words = ["predict", "song.wav", "--out", "-", "--curve", "curve.csv", "--plot", "plane.svg"]
    command = [sys.executable, "-m", "mer", *words]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "BrokenPipeError" not in done.stderr
    assert list(pd.read_csv("curve.csv")["id"]) == ["song.wav"]
    assert "<svg" in (nowhere / "plane.svg").read_text()


def test_sounds_unlike_songs_are_flagged_and_get_answers_of_their_own(nowhere, chord):
    rng = np.random.default_rng(0)
    found = mer.load().predict_array(chord, RATE)
    noise = mer.load().predict_array(rng.normal(size=10 * RATE) / 10, RATE)
    bursts = mer.load().predict_array((np.arange(10 * RATE) % 11025 == 0) * 0.8, RATE)
    assert noise["out_of_distribution"].all()
    assert bursts["out_of_distribution"].all()
    rows = pd.concat([found, noise, bursts])[["p_Q1", "p_Q2", "p_Q3", "p_Q4"]]
    assert len(rows.round(2).drop_duplicates()) == 3


def test_another_programs_folder_params_is_none_of_a_project(nowhere, chord):
    (nowhere / "params").mkdir()
    (nowhere / "params/train.yaml").write_text("lr: 0.1\n")
    assert len(mer.load().predict_array(chord, RATE)) == 1


def test_the_level_of_a_song_does_not_change_its_answer(nowhere, chord):
    loud, quiet = (mer.load().predict_array(gain * chord, RATE) for gain in (1, 0.1))
    probabilities = ["p_Q1", "p_Q2", "p_Q3", "p_Q4"]
    np.testing.assert_allclose(loud[probabilities], quiet[probabilities], atol=1e-3)


def test_features_are_those_of_the_command(nowhere, chord):
    sf.write("chord.wav", chord, RATE, subtype="FLOAT")
    by_file = mer.features("compare_lld", "chord.wav", RATE)
    by_array = mer.features("compare_lld", chord, RATE)
    assert by_file.shape == (1, 260)
    assert np.array_equal(by_file.to_numpy(), by_array.to_numpy())


def test_the_card_states_the_digests_and_the_calibration_of_the_files():
    about, card = system.read(SHIPPED).about, (SHIPPED / "README.md").read_text(encoding="utf-8")
    for name, digest in about.sha256.items():
        assert f"| `{name}` | `{digest}` |" in card
    assert f"{about.calibration.temperature:.3f}" in card
    score = re.search(r"artists apart \| (0\.\d+) \((0\.\d+)–(0\.\d+)\)", card)
    low, high = float(score[2]), float(score[3])
    assert 0.70 < low < float(score[1]) < high < 0.78


def test_the_card_is_its_template_with_figures():
    """A sentence is edited in both, so that the stage ``release`` writes the same card."""
    template = re.escape(release.CARD.read_text(encoding="utf-8").strip())
    pattern = re.sub(r"\\\{\w+\\\}", "(?s:.+?)", template)
    assert re.fullmatch(pattern, (SHIPPED / "README.md").read_text(encoding="utf-8").strip())


def test_a_member_decides_as_its_formula_says():
    """Scaled, clipped, as wide as 100 columns, then linear: the arrays alone suffice."""
    found, rng = system.read(SHIPPED), np.random.default_rng(0)
    weights = found.members[0]
    estimator = restored(
        found.model.build(found.params, seed=0, fidelity="described", predicts="classes"), weights
    )
    rows = rng.normal(size=(5, 200))
    scaled = ((rows - weights["scaler.mean_"]) / weights["scaler.scale_"]).clip(-5, 5) / np.sqrt(2)
    coefficients = next(v for k, v in weights.items() if k.startswith("regression.coef_"))
    if coefficients.shape[0] == 200:
        coefficients = coefficients.T
    expected = scaled @ coefficients.T + weights["regression.intercept_"]
    assert estimator.decision_function(rows) == pytest.approx(expected)


SLOW = ("sklearn", "numba", "librosa", "joblib", "matplotlib", "scipy.stats", "scipy.optimize")


def test_an_answer_loads_no_library_that_it_does_not_need(nowhere, chord):
    """Each of them takes the processor half a second or more, in every process."""
    sf.write("song.wav", chord, RATE)
    code = f"import sys, mer; mer.load().predict('song.wav'); sys.exit(str({{*{SLOW}}} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("set()\n")


def test_the_public_names_are_listed_and_described():
    assert dir(mer) == sorted([*mer.__all__, "__version__"])
    assert mer.__version__
    assert [*inspect.signature(mer.features).parameters][:3] == ["family", "audio", "sample_rate"]
    assert (
        repr(mer.load()) == "<mer.Predictor 4qaed_musicnn: quadrants by MusiCNN, trained on 4QAED>"
    )


REFUSED = [
    ({"samples": np.arange(9, dtype=np.int16)}, "floats with a full scale of 1.0, not int16"),
    ({"samples": np.ones((2, 9))}, r"the shape \(n, channels\), not \(2, 9\); transpose"),
    ({"samples": np.ones((9, 2, 2))}, r"samples must have the shape \(n,\) or \(n, channels\)"),
    ({"samples": np.full(RATE, np.nan)}, "samples must be finite; 22050 of 22050 are NaN"),
    ({"samples": np.zeros(RATE)}, "must be audible, and are silent"),
    ({"samples": np.ones(RATE // 5)}, "samples must last 1 s or more, not 0.200 s"),
    ({"sample_rate": 0}, "the sample rate must be a positive number of Hz, not 0"),
    ({"sample_rate": float("nan")}, "the sample rate must be a positive number of Hz, not nan"),
    ({"hop": "5"}, "hop must be at least 1 second, or None, not '5'"),
    ({"hop": 0}, "hop must be at least 1 second, or None, not 0"),
    ({"seconds": -1.0}, "seconds must be at least 1 second"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_an_array_that_is_no_audio_is_refused(changes, message):
    given = {"samples": np.ones(RATE), "sample_rate": RATE} | changes
    with pytest.raises(mer.MerError, match=message):
        mer.load().predict_array(**given)


@pytest.mark.parametrize("given", [np.zeros(RATE), b"song.mp3", 7, [np.zeros(RATE)]])
def test_what_is_no_path_is_refused(given):
    with pytest.raises(mer.MerError, match=r"must be the paths .* Predictor\.predict_array"):
        predictor.load().predict(given)


def test_a_predictor_can_be_copied_and_so_pickled(nowhere):
    found = copy.deepcopy(predictor.load())
    assert found.name == predictor.DEFAULT
    assert found.system is predictor.load().system


def test_files_are_asked_as_arrays_are(nowhere):
    with pytest.raises(mer.MerError, match="at least one audio file or folder must be named"):
        mer.load().predict([])
    with pytest.raises(mer.MerError, match="hop must be at least 1 second"):
        mer.load().predict("song.wav", hop=0)


@pytest.mark.parametrize("name", ["load", "features", "splits", "datasets", "metrics", "MerError"])
def test_the_package_offers_its_names_without_loading_them_first(name):
    code = f"import sys, mer; assert 'numpy' not in sys.modules; assert mer.{name}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_system_is_refused_with_those_that_are_there(nowhere):
    with pytest.raises(mer.MerError, match=r"4qaed_musicnn.*'nothing' is none"):
        mer.load("nothing")
    with pytest.raises(AttributeError, match="no attribute 'answers'"):
        _ = mer.answers
