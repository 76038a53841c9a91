"""Answers of a system for songs: a row per song, and a row per excerpt, the curve along the song."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from mer.errors import Unreadable
from mer.inference import songs
from mer.inference.description import Calibration
from mer.inference.songs import Excerpt
from mer.inference.system import System
from mer.targets import labels
from mer.types import QUADRANTS

UNDECIDED = "undecided"
SEPARATOR = "; "  # of the possible classes, whose names may have blanks
BATCH = 16  # excerpts whose inputs are in memory at a time
DIGITS = 4


@dataclass(frozen=True)
class SongAnswer:
    """Answers for the excerpts of a song; every list has one item per excerpt.

    Attributes
    ----------
    id : str
    seconds : float
        Length of the song, with the parts that are in no excerpt.
    starts, ends : list of float, in seconds
    values : list of list of float
        Calibrated probabilities by class, or values; see ``System.answer``.
    ood_scores : list of float or None
        See ``System.answer``.
    band_limited : list of bool
        See ``mer.inference.songs.is_band_limited``.
    """

    id: str
    seconds: float
    starts: list[float]
    ends: list[float]
    values: list[list[float]]
    ood_scores: list[float | None]
    band_limited: list[bool]

    def as_json(self) -> dict[str, Any]:
        """The fields, which JSON can represent."""
        return asdict(self)


def _batches(found: Iterable[Excerpt]) -> Iterator[list[Excerpt]]:
    rest = iter(found)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _counted(pieces: Iterable[np.ndarray], sizes: list[int]) -> Iterator[np.ndarray]:
    """The pieces; the size of each is added to ``sizes``."""
    for piece in pieces:
        sizes.append(len(piece))
        yield piece


def of_song(
    system: System,
    song: str,
    pieces: Iterable[np.ndarray],
    *,
    seconds: float | None,
    hop: float | None,
) -> SongAnswer:
    """The answers for the excerpts of one song.

    Parameters
    ----------
    pieces : iterable of np.ndarray [shape=(n,), dtype=float32]
        The samples of the song at the sample rate of the system.
    seconds : float or None
        Length of an excerpt; None for that of the training clips.
    hop : float or None
        Distance from one excerpt to the next; None for the length of an excerpt.

    Raises
    ------
    Unreadable
        If the song cannot be decoded, or is silent.
    """
    about, sizes = system.about, list[int]()
    answer = SongAnswer(song, 0.0, [], [], [], [], [])
    length = seconds or about.seconds
    found = songs.excerpts(
        song,
        _counted(pieces, sizes),
        about.sample_rate,
        seconds=length,
        hop=hop or length,
        peak_db=about.peak_db,
    )
    for batch in _batches(found):
        values, ood_scores = system.answer([excerpt.clip for excerpt in batch])
        answer.starts.extend(excerpt.start for excerpt in batch)
        answer.ends.extend(excerpt.start + excerpt.clip.seconds for excerpt in batch)
        answer.values.extend(values.tolist())
        answer.ood_scores.extend(None if np.isnan(u) else float(u) for u in ood_scores)
        answer.band_limited.extend(songs.is_band_limited(excerpt.clip) for excerpt in batch)
    if not answer.starts:
        raise Unreadable("silent")
    return replace(answer, seconds=sum(sizes) / about.sample_rate)


def _possible(rows: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Whether a class cannot be ruled out [shape=(n, C), dtype=bool].

    These are the classes at or above the conformal threshold. Where there is none, they are the most
    probable ones, as many as have ``coverage`` together: a song without a probable class is not certain.
    """
    ranks = np.argsort(-rows, axis=1, kind="stable")
    ranked = np.take_along_axis(rows, ranks, axis=1)
    likely = np.empty(rows.shape, bool)
    before = ranked.cumsum(axis=1) - ranked
    np.put_along_axis(likely, ranks, before < calibration.coverage, axis=1)
    above = rows >= calibration.threshold
    return np.where(above.any(axis=1, keepdims=True), above, likely)


def _of_classes(system: System, rows: np.ndarray, calibration: Calibration) -> pd.DataFrame:
    """The columns that describe calibrated probabilities [shape=(n, C)]."""
    frame, classes = system.target.answers(rows), np.array(system.target.names)
    possible = _possible(rows, calibration)
    single = possible.sum(axis=1) == 1
    frame.insert(0, "answer", np.where(single, frame["class"], UNDECIDED))
    if system.target.names == QUADRANTS:
        for axis, high in labels.HIGH.items():
            frame[f"p_high_{axis}"] = rows[:, np.isin(classes, high)].sum(axis=1)
    by_rank = np.argsort(-rows, axis=1, kind="stable")
    names = [classes[rank[row[rank]]] for rank, row in zip(by_rank, possible, strict=True)]
    return frame.assign(possible=[SEPARATOR.join(row) for row in names])


def _frame(
    system: System, facts: dict[str, Any], rows: Any, ood_scores: Any, band_limited: Any
) -> pd.DataFrame:
    rows = np.asarray(rows, dtype=float).reshape(-1, system.target.outputs)
    calibration = system.about.calibration
    frame = _of_classes(system, rows, calibration) if calibration else system.target.answers(rows)
    scores = np.asarray(ood_scores, dtype=float)
    if system.about.distance_limit:
        frame = frame.assign(ood_score=scores)
    frame = frame.assign(out_of_distribution=(scores > 1) | np.asarray(band_limited, dtype=bool))
    if system.warning:
        frame = frame.assign(warning=system.warning)
    return pd.concat([pd.DataFrame(facts), frame], axis=1).round(DIGITS)


def of_songs(system: System, found: Sequence[SongAnswer]) -> pd.DataFrame:
    """One row per song, the mean of its excerpts.

    Returns
    -------
    pd.DataFrame
        ``id``; ``seconds``, the length of the song; ``excerpts``, their number. Of a target of classes
        ``answer``, the class, or ``undecided`` where several are possible; ``class``, the most probable
        one; ``p_<class>``, calibrated; of quadrants, ``p_high_valence`` and ``p_high_arousal``;
        ``possible``, the classes that cannot be ruled out, the most probable first. Of a target of values a
        column per value. Of a model that reads a table ``ood_score``, the distance from the training
        clips, 1 being the distance that 1 % of them exceed. ``out_of_distribution``, whether it is above 1,
        or more than half of the excerpts are band-limited. ``warning``, where there is one.
    """
    facts = {
        "id": [song.id for song in found],
        "seconds": [song.seconds for song in found],
        "excerpts": [len(song.starts) for song in found],
    }
    rows = [np.mean(song.values, axis=0) for song in found]
    ood_scores = [np.median(np.array(song.ood_scores, dtype=float)) for song in found]
    band_limited = [np.mean(song.band_limited) > 0.5 for song in found]
    return _frame(system, facts, rows, ood_scores, band_limited)


def of_excerpts(system: System, found: Sequence[SongAnswer]) -> pd.DataFrame:
    """One row per excerpt: ``id``, ``start`` and ``end`` in seconds, and the columns of ``of_songs``."""
    facts = {
        "id": [song.id for song in found for _ in song.starts],
        "start": [start for song in found for start in song.starts],
        "end": [end for song in found for end in song.ends],
    }
    rows = [row for song in found for row in song.values]
    ood_scores = [value for song in found for value in song.ood_scores]
    band_limited = [value for song in found for value in song.band_limited]
    return _frame(system, facts, rows, ood_scores, band_limited)
