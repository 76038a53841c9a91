"""``mer export``: what it refuses before work begins."""

import pytest

from mer.__main__ import main
from mer.errors import MerError
from mer.inference import system


def test_a_folder_with_files_of_its_owner_is_refused_and_left_as_it_is(
    tmp_path, monkeypatch, capsys
):
    for name in ("system.json", "member_0.safetensors", "clips.safetensors", "README.md"):
        (tmp_path / name).touch()
    system.require_own(tmp_path)
    (tmp_path / "notes.txt").touch()
    monkeypatch.setattr("sys.argv", ["mer", "export", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="1"):
        main()
    said = " ".join(capsys.readouterr().err.split())
    assert "nothing but the files of a system, which are replaced, and holds 'notes.txt'" in said
    with pytest.raises(MerError, match=r"and holds 'notes\.txt'; move it"):
        system.write(None, tmp_path)
    assert (tmp_path / "notes.txt").exists()


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr("sys.argv", ["mer", "export", "--out", str(tmp_path / "file/x")])
    with pytest.raises(SystemExit, match="1"):
        main()
    said = " ".join(capsys.readouterr().err.split())
    assert "file/x must be writable, and cannot be (File exists); choose another place" in said
