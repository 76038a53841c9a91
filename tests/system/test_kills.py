"""Kills, signals, a full disk and a second DVC: nothing half-written, no orphan, nothing lost.

``MER_KILLS`` says how many kills; benchmarks/reliability_kills.py makes a table of 50.
"""

import os
import shutil
import subprocess
import time
from itertools import groupby
from pathlib import Path

import psutil
import pytest

from helpers.clone import Clone, fresh_clone
from helpers.killing import (
    GRACE,
    SMALL,
    Run,
    again,
    draw,
    left_over,
    living,
    locked,
    measure,
    strike,
    written,
)
from mer.pipeline.dvc_locks import repair_locks

KILLS = int(os.environ.get("MER_KILLS", "2"))


@pytest.fixture(scope="module")
def undisturbed(root, tmp_path_factory):
    """A clone after its first run, committed; what it wrote; the seconds of each stage."""
    clone = fresh_clone(root, tmp_path_factory.mktemp("undisturbed"), **SMALL)
    seconds = measure(clone)
    clone.commit("first run")
    return clone, written(clone), seconds


def test_a_run_killed_again_and_again_ends_in_the_same_bytes(undisturbed, record_property):
    clone, expected, seconds = undisturbed
    before = locked(clone)
    for stage, kills in groupby(draw(KILLS, seed=1), lambda kill: kill.stage):
        for kill in kills:
            passed = strike(clone, kill, seconds[stage])
            record_property(kill.how, f"{stage} {passed:.2f}")
            assert passed < GRACE, (kill, living(clone.folder))
            assert written(clone).items() <= expected.items(), kill
        repair_locks(clone.folder)
        clone.run(*again(stage))
        assert written(clone) == expected, stage
        assert left_over(clone) == []
    clone.run("dvc", "repro")
    assert locked(clone) == before
    assert written(clone) == expected
    assert list((clone.folder / ".mer/scratch").iterdir()) == []


@pytest.fixture
def small_disk(undisturbed, tmp_path):
    """The clone after its first run, on a file system of its own that a file can fill."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=256m", "mer", str(tmp_path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system may be mounted")
    try:
        subprocess.run(["cp", "-a", f"{undisturbed[0].folder}/.", tmp_path], check=True)
        clone = Clone.__new__(Clone)
        clone.folder = tmp_path
        yield clone
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def fill(folder: Path, left: int) -> Path:
    """A file that takes all room but ``left`` bytes."""
    room = os.statvfs(folder)
    with (folder / "ballast").open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, room.f_bavail * room.f_bsize - left)
    return folder / "ballast"


@pytest.mark.parametrize(
    ("stage", "output", "changes"),
    [
        ("data/dvc.yaml:mel@louro-demo", "mel/louro/demo", {"views__louro__hop_length": 128}),
        ("train", "runs/selected", {"models__cnn__training__lr": 0.02}),
    ],
)
def test_a_full_disk_is_named_and_one_command_brings_the_outputs_back(
    undisturbed, small_disk, stage, output, changes, record_property
):
    expected = undisturbed[1]
    small_disk.edit(**changes)
    shutil.rmtree(small_disk.folder / "data" / output)  # as DVC would, to make room
    ballast = fill(small_disk.folder, left=400_000)
    begin = time.monotonic()
    said = " ".join(small_disk.run("dvc", "repro", stage, ok=False).split())
    name = stage.split(":")[-1]
    assert f"{name}: the disk must have room" in said
    assert "Traceback" not in said
    assert written(small_disk).items() < expected.items()
    assert left_over(small_disk) == []
    record_property("full disk", f"{name.split('@')[0]} {time.monotonic() - begin:.2f}")
    ballast.unlink()
    small_disk.run("dvc", "checkout", "-q", "--allow-missing")
    assert written(small_disk) == expected


def test_a_second_run_says_that_the_first_is_busy_and_nothing_is_lost(undisturbed, record_property):
    clone, expected, _ = undisturbed
    first = Run(clone, "dvc", "--wait-for-lock", *again("train")[1:])
    _, train = next(first.stages())
    train.suspend()
    for wait in ([], ["--wait-for-lock"]):
        begin = time.monotonic()
        output = clone.run("dvc", *wait, "repro", ok=False)
        assert "is busy, it is being blocked by" in output
        assert f"PID {first.dvc.pid}" in output
        record_property("second `dvc repro`", f"train {time.monotonic() - begin:.2f}")
    train.resume()
    assert first.dvc.wait() == 0, first.output.read_text()
    assert "up to date" in clone.run("dvc", "repro")
    assert written(clone) == expected


@pytest.fixture(autouse=True)
def nothing_lives_on(tmp_path_factory):
    """End what a failed test leaves running."""
    yield
    left = living(tmp_path_factory.getbasetemp())
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=5)
