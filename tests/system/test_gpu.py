"""benchmarks/gpu.py: whatever fails or ends it, the experiments that ended are in its results."""

import json
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

PATHS = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'benchmarks'}"}
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
    records = [{"key": "cnn", "paper": "louro", "seconds": 1.0}, {"key": "rg", "error": "late"}]
    gpu.write_results(Path("out"), records)
    (files,) = bring._files(Path("out/results.tar")).values()
    assert set(files) == {"run.json", "record.json"}
    assert json.loads(files["record.json"])["device"] == "a GPU"
    assert json.loads(Path("out/errors.json").read_text()) == [{"key": "rg", "error": "late"}]


def test_throughput_is_measured_on_examples_of_the_shape_of_the_view(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import throughput

    monkeypatch.chdir(ROOT)
    shapes = {model: throughput.shape_of(model, view) for model, view in throughput.VIEWS.items()}
    assert shapes["cnn"] == (942, 128)
    assert shapes["short_chunk_cnn"] == (116, 128)
    assert shapes["sample_cnn"] == (59049,)


def test_the_program_needs_none_of_the_libraries_that_a_bare_machine_lacks():
    subprocess.run([sys.executable, "-c", BLOCKED], env=PATHS, check=True, cwd=ROOT)
