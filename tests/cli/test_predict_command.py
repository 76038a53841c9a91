"""``mer predict``: what it refuses before work begins."""

import pytest

from mer.__main__ import main
from mer.inference import library


@pytest.mark.parametrize("curve", ["x.csv", "./folder/../x.csv"])
def test_two_outputs_in_one_file_are_refused(tmp_path, monkeypatch, capsys, curve):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(library, "load_system", lambda _: pytest.fail("work began"))
    words = ["predict", "song.wav", "--out", "x.csv", "--curve", curve]
    monkeypatch.setattr("sys.argv", ["mer", *words])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert "--out and --curve must be different files" in capsys.readouterr().err
