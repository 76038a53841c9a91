"""mer papers: a corpus that DVC cannot hash is found before DVC starts."""

import os

import pytest

from mer.__main__ import main
from mer.cli import papers


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["mer", "papers", *words])
    monkeypatch.setattr(papers, "show_papers", lambda: None)
    monkeypatch.setattr(papers, "dvc", lambda _: 7)
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_a_pipe_in_a_corpus_is_named_before_dvc_waits_at_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    corpus = tmp_path / "data/raw/puct_human"
    corpus.mkdir(parents=True)
    assert run(monkeypatch, "repro") == 7
    os.mkfifo(corpus / "song.wav")
    assert run(monkeypatch, "repro") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "data/raw/puct_human must hold regular files and folders only" in said
    assert "'song.wav' is a pipe; remove it" in said
