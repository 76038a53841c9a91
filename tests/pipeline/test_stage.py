"""What a stage leaves beside its outputs."""

import hashlib
import json
import os
import platform

import pytest

from mer.errors import MerError
from mer.pipeline import run_record
from mer.pipeline.stage import stage


def test_the_record_says_how_long_on_what_and_with_which_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with stage("experiment@a", tmp_path / "a.json"):
        (tmp_path / "a.json").write_text("{}")
    record = json.loads((tmp_path / "a.record.json").read_text())
    assert record.pop("scores_sha256") == hashlib.sha256(b"{}").hexdigest()
    assert record == json.loads((tmp_path / ".mer/stages/experiment@a.json").read_text())
    assert {"seconds", "device", "commit", "machine", "versions"} <= set(record)


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nmodel name\t: B\n", "A CPU @ 2 GHz, "),
        (None, ""),
    ],
)
def test_the_machine_is_named_by_its_processor(tmp_path, monkeypatch, text, model):
    if text:
        (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(run_record, "CPUINFO", tmp_path / "cpuinfo")
    assert run_record.machine() == f"{model}{platform.machine()}, {os.cpu_count()} cores"


def test_a_stage_that_fails_leaves_no_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit), stage("experiment@a", tmp_path / "a.json"):
        raise MerError("no such thing")
    assert not (tmp_path / "a.record.json").exists()


def test_git_sees_parameters_that_a_refused_run_has_changed(tmp_path, monkeypatch):
    """DVC writes Git's index in the same second; Git takes a file of the same size for unchanged."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()
    os.utime("params.yaml", (1, 1))
    with pytest.raises(SystemExit), stage("validate"):
        raise MerError("no such corpus")
    assert (tmp_path / "params.yaml").stat().st_mtime > 1
    assert not (tmp_path / "params").exists()


def test_parameters_of_a_stage_that_succeeds_are_not_touched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()
    os.utime("params.yaml", (1, 1))
    with stage("validate"):
        pass
    assert (tmp_path / "params.yaml").stat().st_mtime == 1
