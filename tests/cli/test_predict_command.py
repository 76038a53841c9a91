"""``mer predict``: what it refuses before work begins."""

import re
import shutil

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


@pytest.mark.parametrize("option", ["--out", "--curve"])
@pytest.mark.parametrize("name", ["own/system.json", "link.json", "song.csv"])
def test_an_output_over_the_system_or_a_song_is_refused(
    tmp_path, monkeypatch, capsys, option, name
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(predictor.SHIPPED / predictor.DEFAULT, tmp_path / "own")
    (tmp_path / "link.json").symlink_to("own/system.json")
    (tmp_path / "song.csv").write_text("a song")
    before = (tmp_path / name).read_bytes()
    monkeypatch.setattr("sys.argv", ["mer", "predict", "song.csv", "--system", "own", option, name])
    with pytest.raises(SystemExit, match="1"):
        main()
    said = " ".join(capsys.readouterr().err.split())
    assert f"the output must not be an input or lie in one, and {name}" in said
    assert (tmp_path / name).read_bytes() == before
