"""Trained systems, and their answers for files and arrays: ``mer.load``."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd

from mer import parallel
from mer.config import DEFAULTS
from mer.errors import MerError, Unreadable
from mer.inference import answers, songs, system
from mer.inference.answers import SongAnswer
from mer.inference.system import System
from mer.learn.cross_validation import runs_sequentially
from mer.runtime.device import device

log = logging.getLogger("mer")

SELECTED, RUNS = "selected", Path("data/runs")
SHIPPED = DEFAULTS.parent / "pretrained"
DEFAULT = "4qaed_musicnn"  # the system that answers where none is named


def folder_of(name: str) -> Path:
    """The folder of a system: one that exists, or one that comes with the package, by its name."""
    shipped = SHIPPED / name.removeprefix("pretrained/")
    if not (Path(name) / system.DESCRIPTION).is_file() and shipped.is_dir():
        return shipped
    return Path(name)


def _written(place: Path) -> tuple[int, ...]:
    """When the description of a system or of a run was written; a new training writes it anew."""
    files = (place / name for name in (system.DESCRIPTION, "run.json"))
    return tuple(file.stat().st_mtime_ns for file in files if file.is_file())


@lru_cache(maxsize=2)
def _load(name: str, place: Path, written: tuple[int, ...]) -> System:  # noqa: ARG001 (a newer one is another call)
    if (place / system.DESCRIPTION).is_file():
        return system.read(place)
    if RUNS.absolute() in place.parents:
        from mer.inference import trained  # which needs a project

        return trained.of_run(RUNS / place.relative_to(RUNS.absolute()))
    shipped = ", ".join(
        sorted(path.parent.name for path in SHIPPED.glob(f"*/{system.DESCRIPTION}"))
    )
    raise MerError(
        f"a system must be one that comes with mer ({shipped}), a folder that mer export has written, a "
        f"run in {RUNS}, or selected; {name!r} is none"
    )


def load_system(name: str) -> System:
    """The system of a name: ``selected``, a run, a folder, or one that comes with the package.

    It is kept in memory until it is trained again.

    Raises
    ------
    MerError
        If there is none, it is damaged, or ``MER_DEVICE`` is no device of this machine.
    """
    device()
    place = (RUNS / SELECTED if name == SELECTED else folder_of(name)).absolute()
    return _load(name, place, _written(place))


def answer_file(
    name: str, seconds: float | None, hop: float | None, path: str
) -> SongAnswer | Unreadable:
    """The answers of a system for the excerpts of a file, or why it cannot be used."""
    found = load_system(name)
    try:
        pieces = songs.decoded(path, found.about.sample_rate)
        return answers.of_song(found, path, pieces, seconds=seconds, hop=hop)
    except Unreadable as fault:
        return fault


def answer_files(
    name: str, paths: Sequence[str], *, seconds: float | None = None, hop: float | None = None
) -> Iterator[SongAnswer | Unreadable]:
    """``answer_file`` of every path, in their order, on all cores."""
    work = partial(answer_file, name, seconds, hop)
    alone = len(paths) == 1 or parallel.jobs() == 1
    sequential = alone or runs_sequentially(load_system(name).about.model)
    yield from parallel.parallel_map(work, paths, label="songs", sequential=sequential)


def usable(
    name: str,
    paths: Sequence[str],
    left_out: dict[str, str],
    *,
    seconds: float | None = None,
    hop: float | None = None,
) -> Iterator[SongAnswer]:
    """The answers for the files that can be used; the others are logged.

    Parameters
    ----------
    left_out : dict of str to str
        Receives the files that cannot be used, with the reason of each.
    """
    found = answer_files(name, paths, seconds=seconds, hop=hop)
    for path, answer in zip(paths, found, strict=True):
        if isinstance(answer, Unreadable):
            left_out[path] = str(answer)
            log.warning("%r is left out: %s", path, answer)
        else:
            yield answer


def require_any(found: Sequence[SongAnswer], left_out: Mapping[str, str]) -> None:
    """Raise a ``MerError`` if no file could be used."""
    if not found:
        path, reason = next(iter(left_out.items()))
        raise MerError(f"at least one file must be usable; {path!r}: {reason}")


def _require_form(seconds: float | None, hop: float | None) -> None:
    """Raise a ``MerError`` unless excerpts are a second long or more, and as far apart."""
    for name, value in (("seconds", seconds), ("hop", hop)):
        if value is not None and not (isinstance(value, Real) and 1 <= value < float("inf")):
            raise MerError(f"{name} must be 1 or more, or None, not {value!r}")


class Predictor:
    """A trained system that predicts the emotion of songs; ``mer.load`` returns one.

    Attributes
    ----------
    name : str
        As ``mer.load`` was given it.
    system : System
        ``system.about`` describes it: model, corpus, classes, calibration.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.system = load_system(name)

    def __reduce__(self) -> tuple:
        """The name alone is pickled: the process that unpickles it loads the system."""
        place = Path(self.name)
        return load, (str(place.absolute()) if place.exists() else self.name,)

    def __repr__(self) -> str:
        return f"<mer.Predictor {self.name}: {self.system.about.title}>"

    def predict(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        hop: float | None = None,
        seconds: float | None = None,
        excerpts: bool = False,
    ) -> pd.DataFrame:
        """The emotion of audio files and of the audio files in folders.

        Parameters
        ----------
        paths : str, Path or sequence of them
            Files and folders. Files that cannot be used are logged and left out.
        hop : float or None
            Seconds from one excerpt of a song to the next, 1 or more; None for the length of an excerpt.
        seconds : float or None
            Length of an excerpt, 1 or more; None for that of the clips that the system was trained on.
        excerpts : bool
            Whether to return a row per excerpt in place of one per song.

        Returns
        -------
        pd.DataFrame
            See ``mer.inference.answers.of_songs``. ``attrs["left_out"]`` holds the files that could not be
            used, with the reason of each.

        Raises
        ------
        MerError
            If no file can be used, or ``hop`` or ``seconds`` is less than 1.
        """
        _require_form(seconds, hop)
        names = songs.files(songs.paths_of(paths))
        left_out: dict[str, str] = {}
        found = list(usable(self.name, names, left_out, seconds=seconds, hop=hop))
        require_any(found, left_out)
        frame = self._frame(found, excerpts)
        frame.attrs["left_out"] = left_out
        return frame

    def predict_array(
        self,
        samples: np.ndarray,
        sample_rate: int,
        *,
        hop: float | None = None,
        seconds: float | None = None,
        excerpts: bool = False,
    ) -> pd.DataFrame:
        """The emotion of samples.

        Parameters
        ----------
        samples : np.ndarray [shape=(n,) or (n, channels)]
            Full scale is 1.0.
        sample_rate : int
            Hz.
        hop, seconds, excerpts : see ``predict``

        Returns
        -------
        pd.DataFrame
            As ``predict`` returns it; the id is ``array``.

        Raises
        ------
        MerError
            If the samples have another shape or type, are not finite or are silent, or an option is less
            than it may be.
        """
        _require_form(seconds, hop)
        whole = songs.mono(samples, sample_rate, self.system.about.sample_rate)
        try:
            found = answers.of_song(self.system, "array", [whole], seconds=seconds, hop=hop)
        except Unreadable as fault:
            raise MerError(f"samples must be audible, and are {fault}") from fault
        return self._frame([found], excerpts)

    def _frame(self, found: list[SongAnswer], excerpts: bool) -> pd.DataFrame:
        return (answers.of_excerpts if excerpts else answers.of_songs)(self.system, found)


def load(name: str | Path = DEFAULT) -> Predictor:
    """A trained system.

    Parameters
    ----------
    name : str or Path
        A system that comes with the package (``"4qaed_musicnn"``), the folder that ``mer export`` has
        written, or of the project in this folder ``"selected"``, the trained selection, or a run
        (``"data/runs/…"``).

    Raises
    ------
    MerError
        If there is no such system, or it is damaged.
    """
    return Predictor(os.fspath(name))
