"""``mer import``: archives of a corpus become a folder of data/raw, whole or not at all."""

import os
import signal
import subprocess
import sys

import pytest

from conftest import ROOT
from helpers.archives import ATTACKS, zipped
from helpers.clone import copy_params
from helpers.corpora import content, eight_songs
from helpers.waiting import wait_until
from mer.__main__ import main
from mer.errors import MerError
from mer.io.files import beside
from mer.pipeline import import_corpus
from mer.pipeline.demo.writers import pmemo
from mer.schema.corpora import Corpus


def corpus(**facts):
    basics = {"layout": "pmemo", "sample_rate": 22050, "peak_db": None, "protocol": "cv10"}
    told = {"counts": None, "range": None, "citation": "", "license": "", "source": ""}
    return Corpus(**basics, **told, **facts)


@pytest.fixture
def archive(tmp_path):
    """A small PMEmo, as its authors pack it."""
    pmemo.write(tmp_path / "set", eight_songs())
    files = [(str(name), value) for name, value in content(tmp_path / "set").items()]
    return zipped(tmp_path / "PMEmo2019.zip", *files)


def left(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_unpacks_and_counts_what_its_layout_reads(archive, tmp_path):
    target = tmp_path / "raw/pmemo"
    done = import_corpus.unpack([archive], corpus(), target)
    assert (done.files, done.clips, done.with_file, done.verified) == (10, 8, 8, [])
    assert content(target) == content(tmp_path / "set")
    assert left(target.parent) == ["pmemo"]


def test_digests_that_are_known_are_checked(archive, tmp_path):
    known = corpus(sha256={archive.name: "0" * 64})
    with pytest.raises(MerError, match="must have the SHA-256 0000"):
        import_corpus.unpack([archive], known, tmp_path / "raw/pmemo")
    assert left(tmp_path / "raw") == []


@pytest.mark.parametrize("kind", ATTACKS)
def test_nothing_is_left_after_a_refusal(kind, tmp_path):
    file = ATTACKS[kind][0](tmp_path / "x.zip")
    with pytest.raises(MerError):
        import_corpus.unpack([file], corpus(), tmp_path / "raw/pmemo")
    assert left(tmp_path / "raw") == []
    assert left(tmp_path) == ["raw", "x.zip"]


def test_an_archive_of_another_corpus_is_refused(tmp_path):
    file = zipped(tmp_path / "x.zip", ("songs/a.mp3", b"x"))
    with pytest.raises(MerError, match=r"x\.zip: pmemo must hold one file .*; unpack the authors'"):
        import_corpus.unpack([file], corpus(), tmp_path / "raw/pmemo")
    assert left(tmp_path / "raw") == []


def test_labels_without_a_file_are_told(tmp_path):
    labels = "path,quadrant\n" + "".join(f"{name}.wav,Q1\n" for name in ("caf\u00e9", "b", "c"))
    songs = [("cafe\u0301.wav", b"x"), ("b.wav", b"x")]
    file = zipped(tmp_path / "x.zip", ("labels.csv", labels.encode()), *songs)
    told = corpus().model_copy(update={"layout": "folder"})
    done = import_corpus.unpack([file], told, tmp_path / "raw/mine")
    assert (done.clips, done.with_file) == (3, 2)


@pytest.mark.parametrize("there", ["folder", "link"])
def test_never_overwrites(archive, tmp_path, there):
    target = tmp_path / "raw/pmemo"
    target.parent.mkdir()
    target.mkdir() if there == "folder" else target.symlink_to("nowhere")
    with pytest.raises(MerError, match="must not exist yet"):
        import_corpus.unpack([archive], corpus(), target)


def test_two_imports_at_once_leave_one_corpus(archive, tmp_path, monkeypatch):
    target, check = tmp_path / "raw/pmemo", import_corpus.archives.check

    def slow(*given):
        monkeypatch.undo()
        import_corpus.unpack([archive], corpus(), target)
        return check(*given)

    monkeypatch.setattr(import_corpus.archives, "check", slow)
    with pytest.raises(MerError, match="must not exist yet"):
        import_corpus.unpack([archive], corpus(), target)
    assert content(target) == content(tmp_path / "set")
    assert left(target.parent) == ["pmemo"]


@pytest.mark.parametrize("path", ["a" * 300 + ".wav", "a/" * 3000 + "a.wav"])
def test_a_label_of_a_path_that_no_disk_allows_has_no_file(tmp_path, path):
    file = zipped(tmp_path / "x.zip", ("labels.csv", f"path,quadrant\n{path},Q1\n".encode()))
    told = corpus().model_copy(update={"layout": "folder"})
    assert import_corpus.unpack([file], told, tmp_path / "raw/mine").with_file == 0


def test_a_missing_archive(tmp_path):
    with pytest.raises(MerError, match="there is no such file"):
        import_corpus.unpack([tmp_path / "x.zip"], corpus(), tmp_path / "raw/pmemo")


def test_a_folder_is_not_imported(tmp_path):
    (tmp_path / "songs").mkdir()
    with pytest.raises(
        MerError, match=r"songs must be an archive, and is a folder; link or copy it"
    ):
        import_corpus.unpack([tmp_path / "songs"], corpus(), tmp_path / "raw/pmemo")


SLOW = """
import sys, time
from pathlib import Path
from mer.io import archives
from mer.pipeline import import_corpus
sys.path.insert(0, "tests")
from pipeline.test_import_corpus import corpus
write = archives._write
archives._write = lambda *given: (write(*given), time.sleep(60))
import_corpus.unpack([Path(sys.argv[1])], corpus(), Path(sys.argv[2]))
"""


def _with_ctrl_c():
    """A shell starts commands in the background with SIGINT ignored, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_after_a_kill(archive, tmp_path, number):
    raw = tmp_path / "raw"
    command = [sys.executable, "-c", SLOW, str(archive), str(raw / "pmemo")]
    quiet = {"stderr": subprocess.DEVNULL, "preexec_fn": _with_ctrl_c}
    with subprocess.Popen(command, cwd=ROOT, **quiet) as process:
        wait_until(lambda: [*raw.rglob("*.csv"), *raw.rglob("*.mp3")])
        os.kill(process.pid, number)
    wait_until(lambda: not left(raw))


def test_a_folder_that_an_earlier_kill_left_is_removed(archive, tmp_path):
    with beside(tmp_path / "raw/pmemo") as folder:
        stale = folder.with_name(".pmemo.999999999.tmp")
    stale.mkdir(parents=True)
    import_corpus.unpack([archive], corpus(), tmp_path / "raw/pmemo")
    assert left(tmp_path / "raw") == ["pmemo"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    copy_params(ROOT, tmp_path)
    monkeypatch.chdir(tmp_path)


def test_command(project, archive, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["mer", "import", archive.name, "--as", "demo_pmemo"])
    main()
    assert (
        "data/raw/demo_pmemo: 10 files, 0 MiB, 8 labelled clips, 8 of them"
        in capsys.readouterr().out
    )


def test_command_names_the_corpora_that_it_knows(project, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["mer", "import", "x.zip", "--as", "nothing"])
    with pytest.raises(SystemExit):
        main()
    assert "'4qaed'" in capsys.readouterr().err
