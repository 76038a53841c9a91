"""The examples run as they are: the script on a small corpus, the notebook cell by cell."""

import json
import re
import subprocess
import sys

import pandas as pd
import pytest

from conftest import ROOT
from mer.pipeline.demo import render
from mer.types import QUADRANTS

EXAMPLES = ROOT / "examples"


def test_a_model_is_compared_under_the_protocol(tmp_path):
    counts = dict.fromkeys(QUADRANTS, 5)
    render.render(
        "folder", tmp_path / "corpus", seed=7, seconds=2, sample_rate=22050, counts=counts
    )
    labels = pd.read_csv(tmp_path / "corpus/labels.csv")
    (tmp_path / "corpus" / labels["path"][0]).write_bytes(b"")  # is left out
    command = [sys.executable, EXAMPLES / "compare_your_model.py", "corpus"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    figure = r"(0\.\d+)"
    said = rf"baseline: macro-F1 {figure}, 95 % interval {figure} to {figure}\nyours: .*\np of .*: 0\.\d"
    score, low, high = map(float, re.match(said, done.stdout).groups())
    assert low < score < high
    lines = (EXAMPLES / "compare_your_model.py").read_text().splitlines()
    imports = sum(line.startswith(("import", "from")) for line in lines)
    assert len([line for line in lines if line]) - imports < 30


def test_the_quickstart_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = json.loads((EXAMPLES / "quickstart.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)  # noqa: S102
    assert len(names["curve"]) == 7
    assert [len(fold.test) for fold in names["folds"]] == [12] * 5


@pytest.mark.parametrize("name", ["quickstart.ipynb"])
def test_a_notebook_has_no_outputs(name):
    cells = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") for cell in cells)
