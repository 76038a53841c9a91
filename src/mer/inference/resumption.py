"""Results for a library of songs that survive an interruption: a line per song, beside the output."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mer.errors import MerError
from mer.io.files import check_place, differing, write_text
from mer.runtime.locks import sole_use

STDIO = Path("-")
GO_ON = "the songs that are done are kept; the same command with --resume goes on"
BEGIN_ANEW = "leave out --resume to begin anew"
Results = dict[str, Any]  # of songs, by path: what JSON can represent


def _lines_of(out: Path | None) -> Path | None:
    """The file of finished results beside the output."""
    return None if out in (None, STDIO) else out.with_name(f".{out.name}.partial")


def _stamp(path: str | Path) -> list[int] | None:
    """Size in bytes, inode and times of the last changes in ns of a file; None for one that cannot be read.

    Inode and second time tell a file from one of the same size and date that was moved to its place.
    """
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def _require_same(begun: Any, asked: Mapping[str, Any]) -> None:
    """Raise if an interrupted run was asked for something else."""
    if other := differing(asked, begun if isinstance(begun, dict) else {}):
        raise MerError(
            "--resume needs the options, the folder and the code of the interrupted run, which differs in "
            f"{', '.join(other)}; make them the same, or {BEGIN_ANEW}"
        )


def _finished(
    lines: Path, asked: Mapping[str, Any], stamps: Mapping[str, list[int] | None]
) -> Results:
    """The results of an interrupted run for files that have the same stamps.

    An unfinished last line is left out.

    Raises
    ------
    MerError
        If the interrupted run was asked for something else, or a line is damaged or of another version of
        mer.
    """
    found: list[dict[str, Any]] = []
    for line in lines.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    if found:
        _require_same(found[0], asked)
    try:
        kept = [(line["song"], line["file"], line["result"]) for line in found[1:]]
    except (KeyError, TypeError) as error:
        raise MerError(
            f"--resume must find the results of this version of mer in {lines}, and a line there is none "
            f"({error}); {BEGIN_ANEW}"
        ) from error
    return {song: result for song, stamp, result in kept if stamps.get(song) == stamp}


def _append(lines: Path, found: Sequence[Mapping[str, Any]], *, begins: bool) -> None:
    """Write lines to the file of finished results; the first ones replace what it holds, all at once."""
    text = "".join(f"{json.dumps(line)}\n" for line in found)
    if begins:
        write_text(lines, text)
        return
    with lines.open("a", encoding="utf-8") as stream:
        stream.write(text)


def resumed(
    compute: Callable[[Sequence[str]], Iterable[tuple[str, Any]]],
    paths: Sequence[str],
    *,
    asked: Mapping[str, Any],
    out: Path | None,
    resume: bool,
) -> Results:
    """The results for the files that can be used, in the order of ``paths``.

    Parameters
    ----------
    compute : function
        From paths to each path that can be used with its result, as they are computed.
    asked : mapping
        All that decides a result beside the file: an interrupted call must have had the same.
    out : Path or None
        The output, beside which results are kept until ``until_written`` ends; None keeps none.
    resume : bool
        Whether to take results that an interrupted call has left there, for files that are as they were.

    Raises
    ------
    MerError
        If that call was asked for something else, or made in another folder.
    """
    asked = {**asked, "folder": str(Path.cwd())}
    lines, stamps = _lines_of(out), {path: _stamp(path) for path in paths}
    known = _finished(lines, asked, stamps) if resume and lines and lines.exists() else {}
    unwritten = [asked, *(_line(song, stamps, result) for song, result in known.items())]
    for song, result in compute([path for path in paths if path not in known]):
        known[song] = result
        if lines:
            _append(lines, [*unwritten, _line(song, stamps, result)], begins=bool(unwritten))
            unwritten = []
    return {path: known[path] for path in paths if path in known}


def _line(song: str, stamps: Mapping[str, list[int] | None], result: Any) -> dict[str, Any]:
    return {"song": song, "file": stamps[song], "result": result}


@contextmanager
def _alone(lines: Path | None) -> Iterator[None]:
    """Refuse a file of finished results that another process writes."""
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
    """Keep the finished results beside the output until the block has all of them and has written it.

    Raises
    ------
    MerError
        If another process is in such a block with the same output; or as the block raises it.
    KeyboardInterrupt
        At Ctrl-C. The texts of both say how to go on, if the block has kept results.
    """
    lines = _lines_of(out)
    with _alone(lines):
        before = _stamp(lines) if lines else None
        try:
            yield
        except (KeyboardInterrupt, MerError) as end:
            if lines is None or _stamp(lines) in (None, before):
                raise
            raise type(end)("; ".join(filter(None, (str(end), GO_ON)))) from end
        if lines:
            lines.unlink(missing_ok=True)
