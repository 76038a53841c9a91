"""Trained systems, and their answers for files and arrays: ``mer.load``."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd

from mer.config import DEFAULTS
from mer.errors import MerError, Unreadable
from mer.inference import answers, inputs, songs, system
from mer.inference.answers import SongAnswer
from mer.inference.system import System
from mer.io.files import is_file
from mer.learn.cross_validation import runs_sequentially
from mer.runtime import parallel
from mer.runtime.device import device
from mer.schema.parameters import PARAMS

SELECTED, RUNS = "selected", Path("data/runs")
SHIPPED = DEFAULTS.parent / "pretrained"
DEFAULT = "4qaed_musicnn"  # the system that answers where none is named


def folder_of(name: str) -> Path:
    """The folder of a system: one that exists, or one that comes with the package, by its name."""
    shipped = SHIPPED / name.removeprefix("pretrained/")
    if not is_file(Path(name) / system.DESCRIPTION) and shipped.is_dir():
        return shipped
    return Path(name)


def _written(place: Path) -> tuple[int, ...]:
    """When the description of a system or of a run was written; a new training writes it anew."""
    files = (place / name for name in (system.DESCRIPTION, "run.json"))
    return tuple(file.stat().st_mtime_ns for file in files if file.is_file())


def _project(place: Path) -> Path | None:
    """The folder of the project that a run belongs to; None for a place that is no run's."""
    inside = (folder for folder in place.parents if folder / RUNS in place.parents)
    return next((folder for folder in inside if (folder / PARAMS).is_file()), None)


def place_of(name: str) -> Path:
    """The absolute folder of a system or of a run.

    Raises
    ------
    MerError
        If the name is neither's.
    """
    place = (RUNS / SELECTED if name == SELECTED else folder_of(name)).absolute()
    if is_file(place / system.DESCRIPTION) or _project(place):
        return place
    if name == SELECTED and not Path(PARAMS).is_file():
        raise MerError(
            f"--system selected must be used in a project, and {Path.cwd()} has no {PARAMS}; change to the "
            "folder of a project, or leave out --system"
        )
    shipped = ", ".join(
        sorted(path.parent.name for path in SHIPPED.glob(f"*/{system.DESCRIPTION}"))
    )
    raise MerError(
        f"a system must be one that comes with mer ({shipped}), a folder that mer export has written, a "
        f"run in {RUNS}, or selected; {name!r} is none"
    )


def _of_run(place: Path, project: Path) -> System:
    """The system of a run, whose project need not lie in the working folder."""
    from mer.inference import trained  # which needs a project

    at_home = contextlib.nullcontext() if project == Path.cwd() else contextlib.chdir(project)
    with at_home:
        return trained.of_run(place.relative_to(project))


@lru_cache(maxsize=2)
def _load(place: Path, written: tuple[int, ...]) -> System:
    """The system in a place; ``written`` makes a system that has been trained again another cache entry."""
    described, project = (place / system.DESCRIPTION).is_file(), _project(place)
    found = system.read(place) if described or not project else _of_run(place, project)
    if _written(place) != written:
        raise MerError(
            f"{place} must stay as it is while it answers, and another system has been written there; run "
            "this again"
        )
    return found


def load_system(name: str) -> System:
    """The system of a name: ``selected``, a run, a folder, or one that comes with the package.

    It is kept in memory until it is trained again.

    Raises
    ------
    MerError
        If there is none, it is damaged, or ``MER_DEVICE`` is no device of this machine.
    """
    device()
    place = place_of(name)
    return _load(place, _written(place))


def answer_file(
    place: Path, written: tuple[int, ...], seconds: float | None, hop: float | None, path: str
) -> SongAnswer | Unreadable:
    """The answers of a system for the excerpts of a file, or why it cannot be used.

    Raises
    ------
    MerError
        If the system in ``place`` has been replaced since ``written``.
    """
    device()
    found = _load(place, written)
    try:
        pieces = songs.decoded(path, found.about.sample_rate)
        return answers.of_song(found, path, pieces, seconds=seconds, hop=hop)
    except Unreadable as fault:
        return fault


def _uses_gpu(found: System) -> bool:
    """Whether the model or a family of features runs on a GPU, which one process has to itself."""
    features = found.about.features
    return runs_sequentially(found.about.model) or bool(features and inputs.on_gpu(features))


def answer_files(
    name: str, paths: Sequence[str], *, seconds: float | None = None, hop: float | None = None
) -> Iterator[SongAnswer | Unreadable]:
    """``answer_file`` of every path, in their order, on all cores."""
    place = place_of(name)
    written = _written(place)
    work = partial(answer_file, place, written, seconds, hop)
    alone = len(paths) == 1 or parallel.jobs() == 1
    sequential = alone or _uses_gpu(_load(place, written))
    yield from parallel.parallel_map(work, paths, label="songs", sequential=sequential)


def answers_of_usable_files(
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
            songs.leave_out(path, str(answer), left_out)
        else:
            yield answer


def _require_form(seconds: float | None, hop: float | None) -> None:
    """Raise a ``MerError`` unless excerpts are a second long or more, and as far apart."""
    for name, value in (("seconds", seconds), ("hop", hop)):
        if value is not None and not (isinstance(value, Real) and 1 <= value < float("inf")):
            raise MerError(f"{name} must be at least 1 second, or None, not {value!r}")


class Predictor:
    """A trained system that predicts the emotion of songs; ``mer.load`` returns one.

    Its creation and each prediction set torch to one thread in this process, so that the answers do not
    depend on the number of cores.

    Attributes
    ----------
    name : str
        As ``mer.load`` was given it.
    place : str
        Absolute path of its folder.
    system : System
        The system that made the last prediction; one that is trained again makes the next.
        ``system.about`` describes it: model, corpus, classes, calibration.
    """

    def __init__(self, name: str) -> None:
        self.name, self.place = name, str(place_of(name))
        self.system = load_system(self.place)

    def __reduce__(self) -> tuple:
        """The name alone is pickled: the process that unpickles it loads the system."""
        return load, (self.name if Path(self.place).parent == SHIPPED else self.place,)

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
            A row per song or excerpt, with the columns of ``mer.inference.answers.of_songs``.
            ``attrs["left_out"]`` holds the files that could not be used, with the reason of each.

        Raises
        ------
        MerError
            If no file can be used, or ``hop`` or ``seconds`` is less than 1.
        """
        _require_form(seconds, hop)
        left_out = dict[str, str]()
        names = songs.files(songs.paths_of(paths), left_out)
        self.system = load_system(self.place)
        found = list(answers_of_usable_files(self.place, names, left_out, seconds=seconds, hop=hop))
        songs.require_any(found, left_out)
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
        hop, seconds : float or None
            As for ``predict``.
        excerpts : bool
            As for ``predict``.

        Returns
        -------
        pd.DataFrame
            As ``predict`` returns it; the id is ``array``.

        Raises
        ------
        MerError
            If the samples have another shape or type, are not finite or are silent, or ``hop`` or
            ``seconds`` is less than 1.
        """
        _require_form(seconds, hop)
        self.system = load_system(self.place)
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

    Returns
    -------
    Predictor
        With the system in memory. The call sets torch to one thread in this process, and so does every
        prediction.

    Raises
    ------
    MerError
        If there is no such system, it is damaged, or ``MER_DEVICE`` is no device of this machine.
    """
    return Predictor(os.fspath(name))
