"""Finished answers beside the output: kept until it is written."""

import os
from pathlib import Path

import pytest

from mer.errors import MerError
from mer.inference import resumption


def end(error, *_):
    raise error


GOES_ON = "the songs that are done are kept; the same command with --resume goes on$"


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), MerError("a process was killed; run again")]
)
def test_an_end_says_how_to_go_on_where_the_block_has_kept_results(tmp_path, error):
    lines, out = tmp_path / ".e.csv.partial", tmp_path / "e.csv"
    with pytest.raises(type(error), match=f"^{error}$"), resumption.until_written(out):
        end(error)
    lines.write_text("those of an earlier run\n")
    with pytest.raises(type(error), match=f"^{error}$"), resumption.until_written(out):
        end(error)
    with pytest.raises(type(error), match=GOES_ON), resumption.until_written(out):
        end(error, lines.write_text("those of this run, too\n"))
    assert lines.exists()


def test_a_kill_while_the_first_lines_are_written_loses_no_kept_answer(tmp_path, monkeypatch):
    lines = tmp_path / ".e.csv.partial"
    resumption._append(lines, [{"asked": 1}, {"answer": "kept"}], begins=True)
    before = lines.read_text()
    monkeypatch.setattr(Path, "replace", lambda *_: end(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        resumption._append(lines, [{"asked": 1}, {"answer": "new"}], begins=True)
    assert lines.read_text() == before


def test_a_written_output_needs_no_answers_beside_it(tmp_path):
    (tmp_path / ".e.csv.partial").touch()
    with resumption.until_written(tmp_path / "e.csv"):
        pass
    with resumption.until_written(Path("-")):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "answer",
    ['{"song": "a", "file": null}', '{"answer": {"id": "a"}, "file": null}', "null", "[1]"],
)
def test_answers_of_another_version_are_refused(tmp_path, answer):
    lines = tmp_path / ".e.csv.partial"
    lines.write_text(f'{{"asked": 1}}\n{answer}\n')
    with pytest.raises(MerError, match=r"results of this version of mer .* leave out --resume"):
        resumption._finished(lines, {"asked": 1}, {"a": None})


def test_a_file_that_was_moved_to_the_place_of_another_is_another(tmp_path):
    """Of the same size and date, as files of one archive may be."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"equal size")
        os.utime(tmp_path / name, ns=(1, 1))
    before = resumption._stamp(tmp_path / "a")
    (tmp_path / "b").replace(tmp_path / "a")
    assert resumption._stamp(tmp_path / "a") != before


def test_an_output_is_written_by_one_process(tmp_path):
    out = tmp_path / "e.csv"
    with (
        resumption.until_written(out),
        pytest.raises(MerError, match="one process, and another one writes it"),
        resumption.until_written(out),
    ):
        pass
    with resumption.until_written(out):
        pass
    assert not list(tmp_path.iterdir())


def test_a_name_too_long_for_the_answers_beside_it_is_refused(tmp_path):
    out = tmp_path / ("曲" * 80)
    with pytest.raises(MerError, match="must be writable"), resumption.until_written(out):
        pass
