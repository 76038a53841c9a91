"""Parallel map of a function over items, on the cores of this machine or on a Dask cluster.

``MER_JOBS`` is the number of processes (default: one per core); no more start than there are items.
``MER_DASK`` is the address of a scheduler (``tcp://host:8786``) to use instead. Neither changes a result,
because a call has one thread.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from threadpoolctl import threadpool_limits

from mer.errors import MerError
from mer.runtime import cluster, shared_memory
from mer.runtime.locks import lock
from mer.runtime.processes import end_at_once
from mer.runtime.progress import Board, EpochsColumn, RemainingColumn, working_on

Item = TypeVar("Item")
Result = TypeVar("Result")

SCRATCH = Path(".mer/scratch")
MOST_RUNS = 100  # at the same time over the same inputs
MAX_JOBS = 256  # processes, whatever MER_JOBS says; each takes some 100 MB
SECONDS_BETWEEN_LINES = 30  # of progress, where no terminal shows a bar
FACTS = "facts"  # key of the metadata of a stored result


def jobs() -> int:
    """The number of parallel processes, from ``MER_JOBS``.

    Raises
    ------
    MerError
        If it is not a positive integer.
    """
    from joblib import cpu_count

    text = os.environ.get("MER_JOBS", "") or str(cpu_count())
    if not text.isdecimal() or int(text) < 1:
        raise MerError(f"MER_JOBS must be a positive integer, not {text!r}")
    return int(text)


def _start(parent: int, folder: Path) -> None:
    """Start a process in ``folder``: joblib reuses processes of calls that were made elsewhere."""
    os.chdir(folder)
    end_at_once(parent)


@contextmanager
def _processes(label: str, count: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """A function like ``map``, which calls in so many processes of this machine."""
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    shared_memory.claim()
    begin = {"initializer": _start, "initargs": (os.getpid(), Path.cwd())}
    try:
        with joblib.parallel_config("loky", n_jobs=count, inner_max_num_threads=1, **begin):
            yield lambda work, items: joblib.Parallel(return_as="generator")(
                map(joblib.delayed(work), items)
            )
    except TerminatedWorkerError as error:
        raise MerError(
            f"{label}: one of the {count} processes was killed; if memory was short, set MER_JOBS to "
            "fewer, then run again"
        ) from error


@contextmanager
def _mapper(label: str, count: int, *, sequential: bool) -> Iterator[Callable[..., Iterator[Any]]]:
    """``map``, or a function like it, which calls in many processes or on a Dask cluster."""
    if sequential:
        yield map
    elif address := os.environ.get("MER_DASK"):
        with cluster.connected(address) as client:
            yield partial(cluster.results, client)
    else:
        count = max(1, min(jobs(), count, MAX_JOBS))
        with _processes(label, count) as mapped:
            yield mapped


def _single_threaded(
    function: Callable[[Item], Result], board: Path, numbered: tuple[int, Item]
) -> Result:
    number, item = numbered
    with threadpool_limits(1), working_on(board, number):
        return function(item)


def _columns(label: str, board: Board) -> list[ProgressColumn]:
    bar = [TextColumn(label, markup=False), BarColumn(), MofNCompleteColumn()]
    return [*bar, RemainingColumn(), EpochsColumn(board)]


def _lines(console: Console, label: str, total: int) -> Callable[[], None]:
    """A function that counts an item as done and, without a terminal, says so every half minute."""
    done, said = 0, time.monotonic()

    def say() -> None:
        nonlocal done, said
        done, now = done + 1, time.monotonic()
        if (
            not console.is_terminal
            and total > 1
            and (done == total or now - said > SECONDS_BETWEEN_LINES)
        ):
            console.print(f"{label}: {done} of {total}", highlight=False, markup=False)
            said = now

    return say


def parallel_map(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    label: str,
    sequential: bool = False,
) -> Iterator[Result]:
    """Apply ``function`` to every item in parallel; yield the results in order, with a progress bar.

    The bar stands on standard error, and is a line every half minute without a terminal. It shows the
    epochs of running trainings, and the time left from the mean time of the items done.

    Parameters
    ----------
    function : callable
        Importable by name or a ``functools.partial`` of such; it runs in another process.
    label : str
        Text of the progress bar.
    sequential : bool
        Process the items one after the other in this process, for functions that use a GPU.

    Raises
    ------
    MerError
        If a process was killed, mostly for lack of memory, or the scheduler at ``MER_DASK`` or its last
        worker has ended.
    """
    with (
        _mapper(label, len(items), sequential=sequential) as mapped,
        NamedTemporaryFile(prefix=f"mer-progress-{os.getpid()}-") as file,
        Progress(
            *_columns(label, board := Board(Path(file.name), len(items))),
            console=(console := Console(stderr=True)),
            disable=not console.is_terminal,
        ) as progress,
    ):
        work = partial(_single_threaded, function, board.path)
        progress.console.show_cursor(True)  # a kill leaves the terminal as it is
        task = progress.add_task(label, total=len(items), ended=0.0)
        say = _lines(console, label, len(items))
        for result in mapped(work, list(enumerate(items))):
            progress.update(task, advance=1, ended=progress.tasks[0].elapsed)
            say()
            yield result


@cache
def code() -> str:
    """A digest of the package and its data files: results of two versions of it never meet."""
    digest, root = hashlib.sha256(), Path(__file__).parent
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.parent.name != "__pycache__":
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


class Storable(Protocol):
    """A result that ``checkpointed_map`` can write to disk and read back, without pickle.

    ``type(result).from_arrays(*result.to_arrays())`` equals the result.
    """

    def to_arrays(self) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
        """The named arrays of the result, and its other facts, which JSON can represent."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Self:
        """The result that ``to_arrays`` took apart."""


class Arrays(dict[str, np.ndarray]):
    """Named arrays and no other facts: the plainest ``Storable``."""

    def to_arrays(self) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
        """The arrays themselves."""
        return self, {}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """The arrays themselves."""
        return cls(arrays)


Stored = TypeVar("Stored", bound=Storable)


def write_result(result: Storable, path: Path) -> None:
    """Write a result as safetensors, its facts as JSON in the metadata; the file is whole or absent."""
    arrays, facts = result.to_arrays()
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    temporary = path.with_name(f".{path.stem}.{os.getpid()}")
    temporary.write_bytes(save(contiguous, {FACTS: json.dumps(facts)}))
    temporary.replace(path)


def read_result(kind: type[Stored], path: Path) -> Stored | None:
    """The result that an earlier call has stored, or None where it stored none or the file is damaged."""
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = json.loads((file.metadata() or {}).get(FACTS, "{}"))
    except (FileNotFoundError, SafetensorError, ValueError):
        return None
    return kind.from_arrays(arrays, facts)


def _stored_or_computed(
    function: Callable[[Item], Stored],
    kind: type[Stored],
    folder: Path,
    until: float | None,
    item: tuple[int, Item],
) -> Stored | None:
    """The stored result of an item, or else the computed one, stored; None when the time is up."""
    number, value = item
    path = folder / f"{number}.safetensors"
    result = read_result(kind, path)
    if result is None and (until is None or time.time() < until):
        result = function(value)
        write_result(result, path)
    return result


@contextmanager
def _locked_scratch(name: str) -> Iterator[Path]:
    """The folder ``name`` of ``SCRATCH``, or ``<name>-1`` and so on where other runs are at work in it."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for number in range(MOST_RUNS):
        folder = (SCRATCH / (f"{name}-{number}" if number else name)).absolute()
        folder.mkdir(exist_ok=True)
        with lock(folder) as ours:
            if ours:
                yield folder
                return
    raise MerError(
        f"{SCRATCH.absolute()} must be on a file system with locks of files, and no folder there can be "
        "locked; put the project on a local disk"
    )


@contextmanager
def checkpointed_map(
    key: Any, kind: type[Stored], until: float | None = None
) -> Iterator[Callable[..., Iterator[Stored | None]]]:
    """``parallel_map`` with stored results: the same call, made again after a kill, computes only the rest.

    Results wait in ``.mer/scratch/<digest of key and code>`` until the block ends without an error, so
    leave the block only after the output is written. A run that makes the same call at the same time gets
    a folder of its own.

    Parameters
    ----------
    key : JSON-serialisable
        Everything that decides the results: parameters, digests of the inputs.
    kind : type
        The ``Storable`` class of the results.
    until : float or None
        Time, as ``time.time()`` returns it, after which no item is started. The result of an item that has
        none by then is None, and the stored results stay for the next call.
    """
    name = hashlib.sha256(json.dumps([key, code()]).encode()).hexdigest()[:16]
    complete = True

    with _locked_scratch(name) as folder:

        def run(
            function: Callable[[Item], Stored],
            items: Sequence[Item],
            *,
            label: str,
            sequential: bool = False,
        ) -> Iterator[Stored | None]:
            nonlocal complete
            complete, missing = False, 0
            work = partial(_stored_or_computed, function, kind, folder, until)
            numbered = list(enumerate(items))
            for result in parallel_map(work, numbered, label=label, sequential=sequential):
                missing += result is None
                yield result
            complete = not missing

        yield run
        if complete:
            shutil.rmtree(folder)
