"""``mer predict``: what it refuses before work begins."""

import re

import pytest

from mer.__main__ import main
from mer.inference import predictor


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out=x.csv", "--curve=x.csv"], "--out and --curve must be different files"),
        (["--out=x.csv", "--curve=./folder/../x.csv"], "--out and --curve must be different files"),
        (["--resume"], "--resume must come with the file --out .*, not with none"),
        (
            ["--resume", "--out=-"],
            "--resume must come with the file --out .*, not with standard output",
        ),
    ],
)
def test_options_that_contradict_are_refused(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(predictor, "load_system", lambda _: pytest.fail("work began"))
    monkeypatch.setattr("sys.argv", ["mer", "predict", "song.wav", *words])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
