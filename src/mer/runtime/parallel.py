"""Parallel map of a function over items, on the cores of this machine or on a Dask cluster.

``MER_JOBS`` is the number of processes (default: one per core); no more start than there are items.
``MER_DASK`` is the address of a scheduler (``tcp://host:8786``) to use instead. Neither changes a result,
because a call has one thread.
"""

import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
from threadpoolctl import threadpool_limits

from mer.errors import MerError
from mer.runtime import cluster, shared_memory
from mer.runtime.processes import end_after
from mer.runtime.progress import Board, EpochsColumn, RemainingColumn, working_on

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_JOBS = 256  # processes, whatever MER_JOBS says; each takes some 100 MB
SECONDS_BETWEEN_LINES = 30  # of progress, where no terminal shows a bar


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
        raise MerError(
            f"MER_JOBS must be a positive integer, not {text!r}; set it to a number of processes, or unset "
            "it for one per core"
        )
    return int(text)


def _start(parent: int, folder: Path) -> None:
    """Start a process in ``folder``: joblib reuses those of calls from elsewhere and from other threads."""
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends it at once, see ``end_at_once``
    end_after(parent)


@contextmanager
def _processes(label: str, count: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """A function like ``map``, which calls in so many processes of this machine."""
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # joblib replaces a process that has grown by 300 MB, as one does that loads large libraries.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    begin = {"initializer": _start, "initargs": (os.getpid(), Path.cwd())}
    try:
        with joblib.parallel_config("loky", n_jobs=count, inner_max_num_threads=1, **begin):
            yield lambda work, items: joblib.Parallel(return_as="generator", mmap_mode="c")(
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


def _lines(console: Console, label: str, total: int) -> Callable[[int, bool], None]:
    """Return ``say(done, ended)``, which prints the progress where standard error is no terminal.

    It prints a line every half minute, and one at the end.
    """
    said = time.monotonic()

    def say(done: int, ended: bool) -> None:
        nonlocal said
        now = time.monotonic()
        if not console.is_terminal and total > 1 and (ended or now - said > SECONDS_BETWEEN_LINES):
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
    epochs of running trainings, and the time left from the mean time of the items done. An item whose
    result is None does not count as done.

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
    shared_memory.claim()
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
        say, done = _lines(console, label, len(items)), 0
        for number, result in enumerate(mapped(work, list(enumerate(items))), 1):
            if result is not None:
                done += 1
                progress.update(task, completed=done, ended=progress.tasks[0].elapsed)
            say(done, number == len(items))
            yield result
