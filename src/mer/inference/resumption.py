"""Answers for a library of songs that survive an interruption: a line per song, beside the output."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mer.errors import MerError
from mer.inference import system
from mer.inference.answers import SongAnswer
from mer.inference.predictor import load_system, usable
from mer.io.files import check_place, write_text
from mer.runtime.locks import sole_use

STANDARD = Path("-")


def _lines_of(out: Path | None) -> Path | None:
    """The file of finished answers beside the output."""
    return None if out in (None, STANDARD) else out.with_name(f".{out.name}.partial")


def _stamp(path: str) -> list[int] | None:
    """Size in bytes and time of the last change in ns of a file; None for one that cannot be read."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _line(answer: SongAnswer, stamp: list[int] | None) -> dict[str, Any]:
    return {"answer": answer.as_json(), "file": stamp}


def _finished(
    lines: Path, asked: dict[str, Any], stamps: Mapping[str, list[int] | None]
) -> dict[str, SongAnswer]:
    """The answers of an interrupted run for files that have the same stamps, by song.

    An unfinished last line is left out.

    Raises
    ------
    MerError
        If the interrupted run had other options, or an answer is damaged or of another version of mer.
    """
    found: list[dict[str, Any]] = []
    for line in lines.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    if found and found[0] != asked:
        raise MerError(
            "--resume needs the system, the options and the folder of the interrupted run, "
            f"{found[0]}, not {asked}; give them, or leave out --resume to begin anew"
        )
    try:
        kept = [(SongAnswer(**line["answer"]), line["file"]) for line in found[1:]]
    except (KeyError, TypeError) as error:
        raise MerError(
            f"--resume must find the answers of this version of mer in {lines}, and an answer there is not "
            f"({error}); leave out --resume to begin anew"
        ) from error
    return {answer.id: answer for answer, stamp in kept if stamps.get(answer.id) == stamp}


def _append(lines: Path, found: Sequence[dict[str, Any]], *, begins: bool) -> None:
    """Write lines to the file of finished answers; the first ones replace what it holds, all at once."""
    text = "".join(f"{json.dumps(line)}\n" for line in found)
    if begins:
        write_text(lines, text)
        return
    with lines.open("a", encoding="utf-8") as stream:
        stream.write(text)


def answered(
    name: str,
    paths: Sequence[str],
    left_out: dict[str, str],
    *,
    out: Path | None,
    resume: bool,
    seconds: float | None,
    hop: float | None,
) -> list[SongAnswer]:
    """The answers for the files that can be used; the others are logged.

    Parameters
    ----------
    left_out : dict of str to str
        Receives the files that cannot be used, with the reason of each.
    out : Path or None
        The output, beside which finished answers are kept until ``until_written`` ends.
    resume : bool
        Whether to take answers that an interrupted call has left there, for files that are as they were.

    Raises
    ------
    MerError
        If that call had other options or was made in another folder, or the system has been trained again
        since.
    """
    trained = system.digest(load_system(name))
    asked = {"system": name, "sha256": trained, "seconds": seconds, "hop": hop}
    asked["folder"] = str(Path.cwd())
    lines, stamps = _lines_of(out), {path: _stamp(path) for path in paths}
    known = _finished(lines, asked, stamps) if resume and lines and lines.exists() else {}
    unwritten = [asked, *(_line(answer, stamps[id_]) for id_, answer in known.items())]
    rest = [path for path in paths if path not in known]
    for answer in usable(name, rest, left_out, seconds=seconds, hop=hop):
        known[answer.id] = answer
        if lines:
            line = _line(answer, stamps[answer.id])
            _append(lines, [*unwritten, line], begins=bool(unwritten))
            unwritten = []
    return [known[path] for path in paths if path in known]


@contextmanager
def _alone(lines: Path | None) -> Iterator[None]:
    """Refuse a file of finished answers that another process writes."""
    if lines is None:
        yield
        return
    check_place(lines)
    with sole_use(lines.with_suffix(".lock")) as ours:
        if not ours:
            raise MerError(
                f"{lines} must be written by one process, and another one writes it; wait for its end, or "
                "choose another --out"
            )
        yield


@contextmanager
def until_written(out: Path | None) -> Iterator[None]:
    """Keep the finished answers beside the output until the block has answered all songs and written it.

    Raises
    ------
    MerError
        If another process is in such a block with the same output.
    KeyboardInterrupt
        At Ctrl-C; its text says how to go on, if answers are kept.
    """
    lines = _lines_of(out)
    with _alone(lines):
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
