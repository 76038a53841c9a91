"""mer papers: a corpus that DVC cannot hash is found before DVC starts."""

import os

import pytest

from mer.__main__ import main
from mer.cli import papers

given: list[list[str]] = []  # to DVC


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["mer", "papers", *words])
    monkeypatch.setattr(papers, "show_papers", lambda: None)
    monkeypatch.setattr(papers, "dvc", lambda words: given.append(words) or 7)
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_options_before_the_command_of_dvc_are_given_to_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "-q", "status", "--json") == 7
    assert given[-1] == ["--wait-for-lock", "status", "--json", "-q"]


def test_a_pipe_in_a_corpus_is_named_before_dvc_waits_at_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    corpus = tmp_path / "data/raw/puct_human"
    corpus.mkdir(parents=True)
    assert run(monkeypatch, "repro", "papers/dvc.yaml") == 7
    os.mkfifo(corpus / "song.wav")
    assert run(monkeypatch, "repro", "papers/dvc.yaml") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "data/raw/puct_human must hold regular files and folders only" in said
    assert "'song.wav' is a pipe; remove it" in said


def test_a_reproduction_of_nothing_named_is_refused(monkeypatch, capsys):
    assert run(monkeypatch, "repro", "-f") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "mer papers repro must name stages or a file of them, such as papers/dvc.yaml" in said
