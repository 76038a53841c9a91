"""Answers for a library of songs: a run that is interrupted goes on where it was."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from mer.inference import resumption, system
from mer.inference.answers import SongAnswer
from mer.inference.predictor import answers_of_usable_files, load_system


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
        The output, beside which finished answers are kept; see ``mer.inference.resumption``.
    resume : bool
        Whether to take answers that an interrupted call has left there, for files that are as they were.

    Raises
    ------
    MerError
        If that call had other options or was made in another folder, or the system has been trained again
        since.
    """

    def compute(rest: Sequence[str]) -> Iterator[tuple[str, Any]]:
        for answer in answers_of_usable_files(name, rest, left_out, seconds=seconds, hop=hop):
            yield answer.id, answer.as_json()

    found_system = load_system(name)
    asked = {
        "system": name,
        "weights": system.digest(found_system),
        "code": found_system.present_code,
        "seconds": seconds,
        "hop": hop,
        "answer": [field.name for field in fields(SongAnswer)],
    }
    found = resumption.resumed(compute, paths, asked=asked, out=out, resume=resume)
    return [SongAnswer(**result) for result in found.values()]
