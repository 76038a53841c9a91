"""Answers for a library of songs that survive an interruption: a line per song, beside the output."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mer.errors import MerError
from mer.inference import system
from mer.inference.answers import SongAnswer
from mer.inference.predictor import load_system, usable

STANDARD = Path("-")


def _lines_of(out: Path | None) -> Path | None:
    """The file of finished answers beside the output."""
    return None if out in (None, STANDARD) else out.with_name(f".{out.name}.partial")


def _finished(lines: Path, asked: dict[str, Any]) -> dict[str, SongAnswer]:
    """The answers of an interrupted run by song; an unfinished last line is left out.

    Raises
    ------
    MerError
        If it was asked otherwise.
    """
    found: list[dict[str, Any]] = []
    for line in lines.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    if found and found[0] != asked:
        raise MerError(
            f"--resume must go on with the system and the options of the interrupted run, {found[0]}, not "
            f"{asked}; give them, or leave out --resume to begin anew"
        )
    return {line["id"]: SongAnswer(**line) for line in found[1:]}


def _append(lines: Path, found: Sequence[dict[str, Any]], *, begins: bool) -> None:
    """Write lines to the file of finished answers; the first ones replace what it holds."""
    lines.parent.mkdir(parents=True, exist_ok=True)
    with lines.open("w" if begins else "a", encoding="utf-8") as stream:
        stream.writelines(f"{json.dumps(line)}\n" for line in found)


def answered(
    name: str,
    paths: Sequence[str],
    *,
    out: Path | None,
    resume: bool,
    seconds: float | None,
    hop: float | None,
) -> tuple[list[SongAnswer], dict[str, str]]:
    """The answers for files, and the reasons of those left out, which are logged.

    Parameters
    ----------
    out : Path or None
        The output, beside which finished answers are kept until ``until_written`` ends.
    resume : bool
        Whether to take answers that an interrupted call has left there.

    Raises
    ------
    MerError
        If that call had other options, or the system has been trained again since.
    """
    trained = system.digest(load_system(name))
    asked = {"system": name, "sha256": trained, "seconds": seconds, "hop": hop}
    lines = _lines_of(out)
    known = _finished(lines, asked) if resume and lines and lines.exists() else {}
    unwritten = [asked, *(answer.as_json() for answer in known.values())]
    left_out: dict[str, str] = {}
    rest = [path for path in paths if path not in known]
    for answer in usable(name, rest, left_out, seconds=seconds, hop=hop):
        known[answer.id] = answer
        if lines:
            _append(lines, [*unwritten, answer.as_json()], begins=bool(unwritten))
            unwritten = []
    return [known[path] for path in paths if path in known], left_out


@contextmanager
def until_written(out: Path | None) -> Iterator[None]:
    """Keep the finished answers beside the output until the block has answered all songs and written it.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C; its text says how to go on, if answers are kept.
    """
    lines = _lines_of(out)
    try:
        yield
    except KeyboardInterrupt as end:
        if not (lines and lines.exists()):
            raise
        raise KeyboardInterrupt(
            "the songs answered so far are kept; add --resume to the same command to go on"
        ) from end
    if lines:
        lines.unlink(missing_ok=True)
