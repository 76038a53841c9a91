"""What DVC cannot hash, or would not, is found in a corpus' folder."""

import errno
import os
import socket
from pathlib import Path

import pytest

from mer.errors import MerError
from mer.io import raw_folder


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A corpus in which nothing is wrong: linked files are files."""
    root = tmp_path / "raw" / "songs"
    (root / "Q1").mkdir(parents=True)
    (root / "labels.csv").write_text("path,quadrant\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.wav").write_bytes(b"a")
    (root / "Q1" / "a.wav").symlink_to(tmp_path / "elsewhere" / "a.wav")
    monkeypatch.chdir(root)
    return root


def bind(name):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)


def link(name, target):
    Path(name).symlink_to(target)


UNHASHABLE = {
    "pipe": (lambda: os.mkfifo("Q1/z"), "'Q1/z' is a pipe; remove it"),
    "socket": (lambda: bind("z"), "'z' is a socket"),
    "device": (lambda: link("z", "/dev/zero"), "'z' is a device"),
    "system": (lambda: link("z", "/proc/kmsg"), "'z' is a file of the system"),
    "dangling": (lambda: link("z", "gone"), "'z' is a broken symbolic link; remove it"),
    "circle": (lambda: link("z", "z"), "'z' is a broken symbolic link"),
    "latin": (
        lambda: Path(os.fsdecode(b"caf\xe9")).mkdir(),
        r"'caf\\udce9' is a name that is not UTF-8; rename it",
    ),
}
UNSEEN = {
    "link": (lambda: link("more", "../../elsewhere"), "'more' is a linked folder.*copy the"),
    "ignore": (lambda: Path("Q1/.dvcignore").touch(), "'Q1/.dvcignore' is a list of files"),
    "git": (lambda: Path(".git").mkdir(), "'.git' is a folder that DVC passes over"),
}


def test_files_folders_and_linked_files_are_fine(corpus):
    raw_folder.check(corpus)


@pytest.mark.parametrize("kind", UNHASHABLE | UNSEEN)
def test_an_entry_that_dvc_does_not_hash_is_named_with_the_remedy(corpus, kind):
    make, message = (UNHASHABLE | UNSEEN)[kind]
    make()
    with pytest.raises(MerError, match=f"{message}.*$"):
        raw_folder.check(corpus)


@pytest.mark.parametrize("kind", UNHASHABLE)
def test_what_dvc_cannot_hash_is_left_to_the_quarantine_on_request(corpus, kind):
    UNHASHABLE[kind][0]()
    raw_folder.check(corpus, hashable=False)


def test_a_folder_that_cannot_be_read_is_named_with_the_remedy(corpus, monkeypatch):
    def scandir(folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(MerError, match=r"songs must be a folder that can be read \(Permission"):
        raw_folder.check(corpus)


def test_further_entries_are_counted(corpus):
    for name in "yz":
        os.mkfifo(name)
    with pytest.raises(MerError, match=r"'y' is a pipe; remove it \(2 such entries in all\)"):
        raw_folder.check(corpus)


def test_a_list_beside_the_corpus_hides_files_too(corpus):
    (corpus.parent / ".dvcignore").write_text("*.wav\n")
    with pytest.raises(MerError, match=r"raw/\.dvcignore must not be there"):
        raw_folder.check(corpus)
