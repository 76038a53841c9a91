"""Whole or not at all; a kill leaves nothing that stays."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mer.errors import MerError
from mer.io import files
from mer.io.files import (
    check_writable,
    followed,
    read_json,
    reading,
    write_csv,
    write_text,
    writing,
)
from mer.runtime.locks import try_lock


def fill(target, content="new"):
    with writing(target) as folder:
        (folder / "file").write_text(content)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_takes_the_place_of_the_old_one(tmp_path):
    fill(tmp_path / "a", "old")
    fill(tmp_path / "a")
    assert (tmp_path / "a/file").read_text() == "new"
    assert names(tmp_path) == ["a"]


def test_an_exception_leaves_what_stood_there(tmp_path):
    fill(tmp_path / "a", "old")
    with pytest.raises(UnicodeEncodeError):
        fill(tmp_path / "a", "half \udcff")
    assert (tmp_path / "a/file").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_folder_that_another_process_removes_before_its_lock_is_made_anew(tmp_path, monkeypatch):
    made = []

    def mkdtemp(*given):
        made.append(tempfile.mkdtemp(*given))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(files, "mkdtemp", mkdtemp)
    write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"
    assert (len(made), names(tmp_path)) == (2, ["a"])


@pytest.mark.parametrize(
    "write",
    [lambda path: write_text(path, "half \udcff"), lambda path: write_csv(path, [("\udcff",)])],
)
def test_an_exception_leaves_the_file_that_stood_there(tmp_path, write):
    (tmp_path / "a").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


KILLED = """
import os, pathlib, signal
from mer.io.files import writing
with writing(pathlib.Path("a")) as folder:
    (folder / "file").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, check=False)
    (left,) = names(tmp_path)
    assert left.endswith(".tmp")
    fill(tmp_path / "a")
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("write", [fill, lambda path: write_text(path, "new")])
def test_only_temporaries_of_the_dead_are_removed(tmp_path, write):
    """The others are of processes that hold a lock, in this or another container."""
    others = [".b.x.tmp", ".a.x", "a.tmp"]
    for name in [*others, ".a.dead.tmp", ".a.busy.tmp"]:
        (tmp_path / name).mkdir()
    with try_lock(tmp_path / ".a.busy.tmp") as ours:
        assert ours
        write(tmp_path / "a")
    assert names(tmp_path) == sorted([*others, "a", ".a.busy.tmp"])


@pytest.mark.parametrize("text", ["", "{", '{"a": 1', "[" * 100_000, "\udcff", "1" * 5000])
def test_what_is_no_json_is_named(tmp_path, text):
    (tmp_path / "x.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(MerError, match=r"x\.json must be a JSON file"):
        read_json(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("place", "remedy"),
    [("metrics/experiments/p/x.json", "git checkout metrics/exp"), ("data/x.json", "dvc repro")],
)
def test_a_damaged_file_is_restored_from_git_or_made_again(tmp_path, monkeypatch, place, remedy):
    monkeypatch.chdir(tmp_path)
    write_text(Path(place), "{")
    with pytest.raises(MerError, match=f"run `{remedy}"):
        read_json(Path(place))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write every file")
def test_a_write_protected_output_is_refused(tmp_path):
    (tmp_path / "a.csv").touch(mode=0o444)
    with pytest.raises(MerError, match=r"a.csv is write-protected; choose another place"):
        check_writable(tmp_path / "a.csv")


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    for path, match in (
        (tmp_path, "is a folder; add the name of a file"),
        (tmp_path / "file" / "a.csv", r"must be writable, and cannot be \(.*\); choose another"),
    ):
        with pytest.raises(MerError, match=match):
            check_writable(path)
    check_writable(tmp_path / "new" / "a.csv")
    check_writable(tmp_path / "file")
    assert names(tmp_path / "new") == []


def test_standard_output_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MerError, match="- stands for standard output"):
        check_writable(Path("-"))


def test_an_output_is_written_through_its_link(tmp_path):
    link, kept = tmp_path / "link.csv", tmp_path / "elsewhere" / "kept.csv"
    link.symlink_to(kept)
    check_writable(link)
    for text in ("one", "two"):
        write_text(followed(link), text)
        assert (link.is_symlink(), kept.read_text()) == (True, text)
    assert followed(kept) == kept


def test_lack_of_memory_is_not_taken_for_damage(tmp_path):
    with pytest.raises(MemoryError), reading(tmp_path, "a file"):
        raise MemoryError
