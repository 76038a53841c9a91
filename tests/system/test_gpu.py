"""benchmarks/gpu.py: whatever fails or ends it, the experiments that ended are in its results."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from conftest import ROOT

PATHS = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'benchmarks'}"}
OTHER_CORPUS = "beyond_compare_puct_human"  # an experiment with features, not on 4QAED
PATIENCE = 120  # seconds, on a machine that others use
BLOCKED = """
import sys

for name in ("essentia", "opensmile", "librosa", "audiomentations", "dvc"):
    sys.modules[name] = None
import gpu
"""


def test_the_results_are_those_that_bring_reads(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import gpu

    from mer.pipeline import bring

    monkeypatch.chdir(tmp_path)
    run, metrics = gpu.experiments.RUNS / "louro" / "cnn", gpu.experiments.METRICS / "louro"
    for folder in (run / "weights", metrics, Path("out")):
        folder.mkdir(parents=True)
    (run / "weights" / "r0_f0.safetensors").write_bytes(b"")
    (run / "run.json").write_text("{}")
    (metrics / "cnn.json").write_text("{}")
    (metrics / "cnn.record.json").write_text(json.dumps({"device": "a GPU"}))
    kept = {"key": "svm", "paper": "louro", "seconds": 1.0, "kept": 10}
    records = [{"key": "cnn", "paper": "louro", "seconds": 1.0}, {"key": "rg", "error": "late"}]
    records.append(kept)
    gpu.write_results(Path("out"), records)
    (files,) = bring._files(Path("out/results.tar")).values()
    assert set(files) == {"run.json", "record.json"}
    assert json.loads(files["record.json"])["device"] == "a GPU"
    assert json.loads(Path("out/errors.json").read_text()) == [{"key": "rg", "error": "late"}, kept]


def test_throughput_is_measured_on_examples_of_the_shape_of_the_view(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import throughput

    monkeypatch.chdir(ROOT)
    shapes = {model: throughput.shape_of(model, view) for model, view in throughput.VIEWS.items()}
    assert shapes["cnn"] == (942, 128)
    assert shapes["short_chunk_cnn"] == (116, 128)
    assert shapes["sample_cnn"] == (59049,)


def test_throughput_that_failed_is_measured_again(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import throughput

    (target := tmp_path / "throughput.json").write_text(
        json.dumps({"cnn": {"error": "no memory"}, "crnn": {"plain": 1.0}})
    )
    measured = []
    monkeypatch.setattr(throughput, "VIEWS", {"cnn": "louro", "crnn": "louro"})
    monkeypatch.setattr(
        throughput, "classifier", lambda model, *_: measured.append(model) or {"plain": 2.0}
    )
    for name in ("segment_autoencoder", "clip_autoencoder"):
        monkeypatch.setattr(throughput, name, lambda *_: {"compiled": 3.0})
    throughput.measure(target, 1, torch.device("cpu"))
    found = json.loads(target.read_text())
    assert measured == ["cnn"]
    assert (found["cnn"], found["crnn"]) == ({"plain": 2.0}, {"plain": 1.0})


def test_a_network_that_could_not_be_compiled_is_said(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import throughput

    def broken(*_):
        raise RuntimeError("no C compiler")

    monkeypatch.setattr(torch._dynamo.config, "suppress_errors", True)
    x, where = torch.ones(2), torch.device("cpu")
    failing, whole = (torch.compile(lambda x: x + 1, backend=b) for b in (broken, "eager"))
    assert throughput.compiled_speed(lambda: failing(x), 2, where)["failed_compilations"] == 1
    assert {*throughput.compiled_speed(lambda: whole(x), 2, where)} == {"compiled"}


def test_an_experiment_without_its_feature_table_is_in_the_errors(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import gpu

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(gpu, "FEATURES", tmp_path)
    (tmp_path / "compare/emopia200").mkdir(parents=True)
    monkeypatch.setattr(gpu.real_run, "inputs_of", lambda keys, _: dict.fromkeys(keys, ()))
    tasks = []
    monkeypatch.setattr(gpu.experiment_queue, "run", tasks.append)
    gpu.train(["svm_4qaed", "cnn_4qaed"], "quick", {}, tmp_path)
    assert list(tasks[0].inputs) == ["cnn_4qaed"]
    tasks[0].write([])
    (error,) = json.loads((tmp_path / "errors.json").read_text())
    assert error["key"] == "svm_4qaed"
    assert "/4qaed must be there, and is not" in error["error"]


def test_the_table_is_that_of_the_experiments_corpus(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import gpu

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(gpu, "FEATURES", tmp_path)
    experiment = gpu.spec.load().experiments[OTHER_CORPUS]
    (tmp_path / experiment.family / "4qaed").mkdir(parents=True)
    (found,) = gpu.without_table([OTHER_CORPUS])
    assert f"{experiment.family}/{experiment.dataset} must" in str(found["error"])
    (tmp_path / experiment.family / experiment.dataset).mkdir()
    assert gpu.without_table([OTHER_CORPUS]) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--experiments", "typo"], "--experiments must be keys of .* 'typo' is none"),
        (["--steps", "fold"], "--steps must be some of facts,.* and names 'fold'"),
    ],
)
def test_a_mistyped_step_or_experiment_is_refused(monkeypatch, capsys, tmp_path, words, message):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import gpu

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--out", str(tmp_path / "out"), *words])
    with pytest.raises(SystemExit, match="2"):
        gpu.main()
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
    assert not (tmp_path / "out").exists()


def test_the_program_needs_none_of_the_libraries_that_a_bare_machine_lacks():
    subprocess.run([sys.executable, "-c", BLOCKED], env=PATHS, check=True, cwd=ROOT)
