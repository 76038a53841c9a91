"""What a stage leaves beside its outputs."""

import errno
import hashlib
import json
import os
import platform

import pytest

from mer.errors import MerError
from mer.pipeline import stage as stages
from mer.pipeline.stage import one_sentence, stage


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
    monkeypatch.setattr(stages, "CPUINFO", tmp_path / "cpuinfo")
    assert stages.machine() == f"{model}{platform.machine()}, {os.cpu_count()} cores"


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


SENTENCES = [
    (MerError("no \x1b[2Jfile [bold]x[/]"), r"no \x1b[2Jfile [bold]x[/]"),
    (OSError(errno.ENOSPC, "No space left on device"), "and temporary files, and /"),
    (OSError(errno.EFBIG, "File too large"), "files must be allowed the size that they need"),
    (MemoryError(), "there must be more memory than this process may take"),
    (OSError(errno.ENOMEM, "Cannot allocate memory"), "there must be more memory"),
]


@pytest.mark.parametrize(("error", "sentence"), SENTENCES)
def test_what_the_user_can_mend_is_a_sentence_as_it_is(error, sentence, capsys):
    with pytest.raises(SystemExit), one_sentence("mer"):
        raise error
    assert sentence in capsys.readouterr().err.replace("\n", "")


def test_a_full_disk_of_an_output_is_named_with_its_option(tmp_path, monkeypatch, capsys):
    out = tmp_path / "emotions.csv"
    usage = type("Usage", (), {"free": 3_000_000})
    other = type("Usage", (), {"free": 9_000_000})
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage if place == tmp_path else other)
    with pytest.raises(SystemExit), one_sentence("mer", {"--out": out}):
        raise OSError(errno.ENOSPC, "No space left on device")
    found = capsys.readouterr().err.replace("\n", "")
    assert f"and {tmp_path} has 3 MB left" in found
    assert "name a place on another disk with --out, and run again" in found
    assert "dvc" not in found


def test_a_full_place_that_is_on_no_known_disk_blames_none(tmp_path, monkeypatch, capsys):
    usage = type("Usage", (), {"free": 2**40})
    monkeypatch.setattr("shutil.disk_usage", lambda _place: usage)
    with pytest.raises(SystemExit), one_sentence("mer", {"--out": tmp_path / "emotions.csv"}):
        raise OSError(errno.ENOSPC, "No space left on device")
    found = " ".join(capsys.readouterr().err.split())
    assert "lead standard output, or its file, to another place and run again" in found
    assert "MB left" not in found


def test_a_name_stands_on_one_line():
    assert stages.printable_name("a\nb\tc\x1b[2J.mp3") == r"a\x0ab\x09c\x1b[2J.mp3"


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), one_sentence("mer"):
        raise ZeroDivisionError


def test_the_traceback_of_every_error_can_be_shown(monkeypatch):
    monkeypatch.setenv("MER_TRACEBACK", "1")
    with pytest.raises(MerError, match="a fault"), one_sentence("mer"):
        raise MerError("a fault")
