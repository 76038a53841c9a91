"""What a stage leaves beside its outputs."""

import json

import pytest

from mer.errors import MerError
from mer.pipeline.stage import stage


def test_the_sidecar_says_how_long_on_what_and_with_which_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with stage("experiment@a", sidecar=tmp_path / "a.record.json"):
        pass
    record = json.loads((tmp_path / "a.record.json").read_text())
    assert record == json.loads((tmp_path / ".mer/stages/experiment@a.json").read_text())
    assert {"seconds", "device", "commit", "machine", "versions"} <= set(record)


def test_a_stage_that_fails_leaves_no_record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit), stage("experiment@a", sidecar=tmp_path / "a.record.json"):
        raise MerError("no such thing")
    assert not (tmp_path / "a.record.json").exists()
