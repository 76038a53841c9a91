"""Features of whole songs, of files and of arrays: ``mer.features``."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mer.decoding.files import RATES
from mer.errors import MerError, Unreadable
from mer.inference import inputs, resumption, songs
from mer.pipeline import code_digests
from mer.runtime import parallel
from mer.types import FeatureTable

RATE = 44100  # Hz, of songs for a family that reads any sample rate
MAX_MINUTES = 60.0  # of a song whose features are computed: it is in memory as a whole

Audio = str | Path | np.ndarray


def features_of_file(
    chosen: inputs.Families, sample_rate: int, max_minutes: float, path: str
) -> np.ndarray | Unreadable:
    """The features of a whole file [shape=(d,)], or why it cannot be used."""
    pieces, length = [], 0
    try:
        for piece in songs.decoded(path, sample_rate):
            pieces.append(piece)
            length += len(piece)
            if length > max_minutes * 60 * sample_rate:
                return Unreadable(
                    f"longer than {max_minutes:g} minutes; raise max_minutes (--max-minutes), or cut it"
                )
        samples = np.concatenate(pieces)
        if songs.is_silent(samples):
            return Unreadable("silent")
    except Unreadable as fault:
        return fault
    return inputs.table([songs.clip(samples, path, sample_rate, None)], chosen).values[0]


def rate_of(chosen: inputs.Families, sample_rate: int | None, own: int = RATE) -> int:
    """The sample rate for songs: the one asked for, else the highest that the families read.

    Parameters
    ----------
    own : int
        Sample rate in Hz for a family that reads any.

    Raises
    ------
    MerError
        If it is lower than a family reads, or no recording has it.
    """
    read = [chosen.typed(part).sample_rate for part in chosen.params]
    highest = max((rate for rate in read if rate), default=0)
    if sample_rate is not None and sample_rate < max(highest, 1):
        raise MerError(
            f"the sample rate must be at least {max(highest, 1)}, which family={chosen.name!r} reads, not "
            f"{sample_rate}; raise it"
        )
    rate = sample_rate or max(highest, 0 if all(read) else own)
    if not RATES[0] <= rate <= RATES[-1]:
        raise MerError(
            f"the sample rate must be from {RATES[0]} to {RATES[-1]} Hz, not {rate}; take one of these"
        )
    return rate


def features(
    family: str,
    audio: Audio | Sequence[str | Path],
    sample_rate: int | None = None,
    *,
    max_minutes: float = MAX_MINUTES,
) -> pd.DataFrame:
    """Handcrafted features or embeddings of whole songs.

    Parameters
    ----------
    family : str
        A family of features, such as ``compare``, ``panda1714`` or ``musicnn``, or the name of a
        join in params/features.yaml.
    audio : str, Path, sequence of them, or np.ndarray [shape=(n,) or (n, channels)]
        Files, folders with audio files, or samples whose full scale is 1.0.
    sample_rate : int or None
        Of an array, its sample rate in Hz. Of files, the sample rate that they are resampled to first; None
        for that of the family, or 44.1 kHz for a family that reads any. Audio of a lower rate than the
        family reads is resampled up to it, which adds no high frequencies.
    max_minutes : float
        Longer files are left out: each is in memory as a whole.

    Returns
    -------
    pd.DataFrame
        A row per song, a column per feature; the index ``id`` holds the paths. ``attrs["left_out"]`` holds
        the files that could not be used, with the reason of each.

    Raises
    ------
    MerError
        If the family is unknown or only published as a table, or no file can be used.
    """
    chosen = inputs.families(family)
    if isinstance(audio, np.ndarray):
        if sample_rate is None:
            raise MerError("sample_rate must be that of the array in Hz, not None; give it")
        target = rate_of(chosen, None, sample_rate)
        samples = songs.mono(audio, sample_rate, target)
        if songs.is_silent(samples):
            raise MerError("samples must be audible, and are silent")
        return frame_of(inputs.table([songs.clip(samples, "array", target, None)], chosen))
    table, left_out = features_of_files(chosen, songs.paths_of(audio), sample_rate, max_minutes)
    frame = frame_of(table)
    frame.attrs["left_out"] = left_out
    return frame


def frame_of(table: FeatureTable) -> pd.DataFrame:
    """A table as a data frame with the index ``id``."""
    return pd.DataFrame(table.values, pd.Index(table.ids, name="id"), list(table.names))


def features_of_files(
    chosen: inputs.Families,
    places: Sequence[str],
    sample_rate: int | None,
    max_minutes: float = MAX_MINUTES,
    *,
    out: Path | None = None,
    resume: bool = False,
) -> tuple[FeatureTable, dict[str, str]]:
    """The features of audio files and of those in folders, and the files left out with their reasons.

    Parameters
    ----------
    max_minutes : float
        Longer files are left out.
    out : Path or None
        The output, beside which finished rows are kept; see ``mer.inference.resumption``.
    resume : bool
        Whether to take rows that an interrupted call has left there, for files that are as they were.

    Raises
    ------
    MerError
        If no file can be used, or the interrupted call had other options.
    """
    left_out: dict[str, str] = {}
    paths = songs.files(places, left_out)
    rate = rate_of(chosen, sample_rate)
    work = partial(features_of_file, chosen, rate, max_minutes)
    described = {"source": "extracted", "family": chosen.name, **inputs.versions(chosen)}

    def compute(rest: Sequence[str]) -> Iterator[tuple[str, list[float]]]:
        sequential = len(rest) == 1 or parallel.jobs() == 1 or inputs.on_gpu(chosen)
        found = parallel.parallel_map(work, rest, label=chosen.name, sequential=sequential)
        for path, row in zip(rest, found, strict=True):
            if isinstance(row, Unreadable):
                songs.leave_out(path, str(row), left_out)
            else:
                yield path, row.tolist()

    asked = {
        **described,
        "families": chosen.model_dump(mode="json"),
        "code": code_digests.of_families(chosen.params),
        "sample_rate": rate,
        "max_minutes": max_minutes,
    }
    rows = resumption.resumed(compute, paths, asked=asked, out=out, resume=resume)
    songs.require_any(list(rows), left_out)
    values = np.array(list(rows.values()), dtype=np.float32)
    return FeatureTable(tuple(rows), inputs.table([], chosen).names, values, described), left_out
