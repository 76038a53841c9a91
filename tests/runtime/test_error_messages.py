"""Errors that a user can fix are a sentence, and others keep their traceback."""

import errno

import pytest

from mer.errors import MerError
from mer.runtime.error_messages import one_sentence, printable_name

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
    assert printable_name("a\nb\tc\x1b[2J.mp3") == r"a\x0ab\x09c\x1b[2J.mp3"


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), one_sentence("mer"):
        raise ZeroDivisionError


def test_the_traceback_of_every_error_can_be_shown(monkeypatch):
    monkeypatch.setenv("MER_TRACEBACK", "1")
    with pytest.raises(MerError, match="a fault"), one_sentence("mer"):
        raise MerError("a fault")
