"""The same function over many items, on this machine's cores or on a Dask cluster.

``MER_JOBS`` says how many processes (default: one per core); ``MER_DASK`` names a scheduler
(``tcp://host:8786``) that takes their place. Neither changes a result: a call has one thread.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import joblib
import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError
from safetensors.numpy import load, save
from threadpoolctl import threadpool_limits

from mer.errors import MerError
from mer.runtime.processes import end_at_once

Item = TypeVar("Item")
Result = TypeVar("Result")
Arrays = dict[str, np.ndarray]

SCRATCH = Path(".mer/scratch")


def jobs() -> int:
    """Processes to run at once, from ``MER_JOBS``.

    Raises
    ------
    MerError
        If it is not a positive integer.
    """
    text = os.environ.get("MER_JOBS", "") or str(joblib.cpu_count())
    if not text.isdecimal() or int(text) < 1:
        raise MerError(f"MER_JOBS must be a positive integer, not {text!r}")
    return int(text)


@contextmanager
def _backend(sequential: bool) -> Iterator[bool]:
    """Configure joblib; yields whether results arrive one by one."""
    address = os.environ.get("MER_DASK")
    with ExitStack() as stack:
        if sequential:
            stack.enter_context(joblib.parallel_config(backend="sequential"))
        elif address:
            from distributed import Client

            stack.enter_context(Client(address, set_as_default=True))
            stack.enter_context(joblib.parallel_config(backend="dask"))
        else:
            begin = {"initializer": end_at_once, "initargs": (os.getpid(),)}
            stack.enter_context(
                joblib.parallel_config("loky", n_jobs=jobs(), inner_max_num_threads=1, **begin)
            )
        yield sequential or not address


def _single_threaded(function: Callable[[Item], Result], item: Item) -> Result:
    with threadpool_limits(1):
        return function(item)


def parallel_map(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    label: str,
    sequential: bool = False,
) -> Iterator[Result]:
    """``function`` of every item, in the order of the items, with a progress bar.

    Parameters
    ----------
    function : callable
        Importable by name or a ``functools.partial`` of such; it runs in another process.
    label : str
        What the bar says.
    sequential : bool
        Run in this process, one after the other: the function has a GPU to itself.

    Raises
    ------
    MerError
        If a process was killed, for want of memory mostly.
    """
    calls = (joblib.delayed(_single_threaded)(function, item) for item in items)
    columns = [TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with _backend(sequential) as one_by_one, Progress(*columns) as progress:
        progress.console.show_cursor(True)  # a kill leaves the terminal as it is
        task = progress.add_task(label, total=len(items))
        try:
            for result in joblib.Parallel(return_as="generator" if one_by_one else "list")(calls):
                progress.advance(task)
                yield result
        except TerminatedWorkerError as error:
            raise MerError(
                f"{label}: the {jobs()} processes must live, and one was killed; where memory was "
                "short, set MER_JOBS to fewer, then run `dvc repro`"
            ) from error


@cache
def code() -> str:
    """A digest of the package, its data files included: resumed work never mixes two versions of it."""
    digest, root = hashlib.sha256(), Path(__file__).parent
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _stored(path: Path) -> Arrays | None:
    """What an earlier call has stored whole, or None."""
    try:
        return load(path.read_bytes())
    except (FileNotFoundError, SafetensorError):
        return None


def _keep(
    function: Callable[[Item], Arrays], kept: Path, until: float | None, item: tuple[int, Item]
) -> Arrays:
    """The stored result of ``item``, or the computed one, stored; empty when the time is up."""
    number, value = item
    path = kept / f"{number}.safetensors"
    arrays = _stored(path)
    if arrays is None and until is not None and time.time() >= until:
        return {}
    if arrays is None:
        found = function(value)
        arrays = {name: np.ascontiguousarray(array) for name, array in found.items()}
        temporary = kept / f".{number}.{os.getpid()}"
        temporary.write_bytes(save(arrays))
        temporary.replace(path)
    return arrays


@contextmanager
def checkpointed_map(
    key: Any, until: float | None = None
) -> Iterator[Callable[..., Iterator[Arrays]]]:
    """``parallel_map`` for functions that return named arrays, which after a kill goes on where it stopped.

    Results wait in ``.mer/scratch/<digest of key and code>`` until the block ends well, so leave it
    only after the output is written.

    Parameters
    ----------
    key : JSON-serialisable
        All that decides the results: parameters, digests of the inputs.
    until : float or None
        Time, as ``time.time()`` gives it, after which no item is started: the result of an item that has
        none by then is empty, and the stored results stay for the next call.
    """
    name = hashlib.sha256(json.dumps([key, code()]).encode()).hexdigest()[:16]
    kept = (SCRATCH / name).absolute()
    kept.mkdir(parents=True, exist_ok=True)
    complete = True  # nothing was asked for

    def run(
        function: Callable[[Item], Arrays],
        items: Sequence[Item],
        *,
        label: str,
        sequential: bool = False,
    ) -> Iterator[Arrays]:
        nonlocal complete
        complete, missing = False, 0
        work = partial(_keep, function, kept, until)
        for arrays in parallel_map(
            work, list(enumerate(items)), label=label, sequential=sequential
        ):
            missing += not arrays
            yield arrays
        complete = not missing

    yield run
    if complete:
        shutil.rmtree(kept)
