"""``mer export``: what it refuses before work begins."""

import pytest

from mer.__main__ import main


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr("sys.argv", ["mer", "export", "--out", str(tmp_path / "file/x")])
    with pytest.raises(SystemExit, match="1"):
        main()
    said = " ".join(capsys.readouterr().err.split())
    assert "file/x must be writable, and cannot be (File exists); choose another place" in said
