"""What holds when two DVC commands meet: the docs say so (`dvc --wait-for-lock`)."""

import fcntl
import subprocess
import time
from pathlib import Path

import pytest

from helpers.clone import ENVIRONMENT
from helpers.waiting import wait_until
from mer.errors import MerError
from mer.pipeline import dvc_locks

HELD = 6  # seconds; DVC tries for three


@pytest.fixture
def project(tmp_path):
    """A DVC project of one stage, which ends once there is a file `may_end`."""
    for command in ("git init -q", "dvc init -q"):
        subprocess.run(command.split(), cwd=tmp_path, env=ENVIRONMENT, check=True)
    command = "touch started; until [ -e may_end ]; do sleep 0.1; done; echo done > out"
    stage = f"stages:\n  slow:\n    cmd: {command}\n    outs: [out]\n"
    (tmp_path / "dvc.yaml").write_text(stage)
    return tmp_path


@pytest.mark.parametrize(("words", "survives"), [(["--wait-for-lock"], True), ([], False)])
def test_a_run_that_waits_survives_a_command_that_holds_the_lock(project, words, survives):
    """Without the option it ends where another holds the lock for three seconds as a stage ends."""
    first = subprocess.Popen(
        ["dvc", *words, "repro"], cwd=project, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    wait_until((project / "started").exists)
    with (project / ".dvc/tmp/lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        (project / "may_end").touch()
        time.sleep(HELD)
    error = first.communicate(timeout=60)[1]
    assert (first.returncode == 0) is survives, error
    assert ("Unable to acquire lock" in error) is not survives
    assert (project / "dvc.lock").exists() is survives
    assert (project / "out").exists()


def test_the_process_that_makes_an_output_is_known_while_it_does(project, monkeypatch):
    monkeypatch.chdir(project)
    assert dvc_locks.writer(Path("out")) is None
    run = subprocess.Popen(["dvc", "repro"], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    wait_until(Path("started").exists)
    assert dvc_locks.writer(Path("out")) == run.pid
    assert dvc_locks.writer(Path("another")) is None
    Path("may_end").touch()
    assert run.wait(60) == 0
    assert dvc_locks.writer(Path("out")) is None


@pytest.mark.parametrize("text", [None, "", '{"write": {"/out'])
def test_no_process_is_known_while_dvc_rewrites_its_file(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / ".dvc/tmp").mkdir(parents=True)
        (tmp_path / dvc_locks.RWLOCK).write_text(text)
    assert dvc_locks.writer(Path("out")) is None


def test_a_folder_from_a_zip_file_is_told_what_git_needs(tmp_path, monkeypatch):
    with pytest.raises(MerError, match=r"must be a Git repository.*git init && git add -A"):
        dvc_locks.check_git(tmp_path)
    (tmp_path / ".git").mkdir()
    dvc_locks.check_git(tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MerError, match="Git must be installed"):
        dvc_locks.check_git(tmp_path)
