"""Experiments that run in processes as soon as their inputs are prepared, until a deadline.

Whatever fails or ends the program, the results of the experiments that ended are written: a failed
preparation loses the experiments that need it, a failed experiment itself, and SIGTERM or the deadline
the folds that had not ended. No worker outlives the program.
"""

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread

from mer.errors import MerError, NoTrainingEnded
from mer.runtime.processes import end_at_once

POLL = 0.5  # seconds
LATE = "it did not end in time"  # the error of an experiment that is no failure
Record = dict[str, object]

log = logging.getLogger("mer")


@dataclass(frozen=True)
class Task:
    """The functions of an experiment queue.

    Attributes
    ----------
    inputs : mapping of str to sequence of Path
        Experiment -> the artefacts that it reads; in the order of the experiments.
    prepare : callable of a Path
        Computes an artefact.
    experiment : callable of a str and a float
        Trains and scores an experiment on the folds that start before that time; importable by name, for
        it runs in another process. Its record has the key ``paper``.
    write : callable of a list of records
        Writes the results; a record with the key ``error`` has none.
    """

    inputs: Mapping[str, Sequence[Path]]
    prepare: Callable[[Path], None]
    experiment: Callable[[str, float], Record]
    write: Callable[[list[Record]], None]


def summary(error: Exception) -> str:
    """An error in a line."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def prepare_all(task: Task, failed: dict[Path, str]) -> None:
    """Prepare every artefact that does not exist, in the order of the experiments.

    Parameters
    ----------
    failed : dict of Path to str
        Receives the artefacts that could not be prepared, with the error; the others are prepared.
    """
    artefacts = list(dict.fromkeys(path for paths in task.inputs.values() for path in paths))
    for path in artefacts:
        try:
            if not path.exists():
                task.prepare(path)
        except Exception as error:
            failed[path] = f"{path} could not be prepared: {summary(error)}"
            log.warning(failed[path])


def outcome(key: str, run: Callable[[], Record]) -> Record:
    """The record that ``run`` returns, or a record of its error."""
    try:
        return run()
    except NoTrainingEnded:
        return {"key": key, "error": LATE}
    except Exception as error:
        log.warning("%s: %s", key, summary(error), exc_info=not isinstance(error, MerError))
        return {"key": key, "error": summary(error)}


class Queue:
    """The experiments that wait, those that run, and the records of those that ended.

    Parameters
    ----------
    task : Task
    failed : mapping of Path to str
        Artefacts that could not be prepared; another thread adds them.
    workers : int
        Experiments at once. Each runs in a pool of one process, so that a process that is killed, often for
        lack of memory, ends no other experiment.
    """

    def __init__(self, task: Task, failed: Mapping[Path, str], workers: int) -> None:
        self.task, self.failed = task, failed
        self.waiting = dict(task.inputs)
        self.idle = [start_pool() for _ in range(workers)]
        self.running: dict[str, tuple[Executor, Future[Record]]] = {}
        self.started: list[str] = []
        self.records: dict[str, Record] = {}

    def step(self, deadline: float) -> bool:
        """Start what can start and collect what has ended.

        Returns
        -------
        bool
            Whether an experiment has ended since the last call.
        """
        before = len(self.records)
        for key, paths in list(self.waiting.items()):
            if lost := [path for path in paths if path in self.failed]:
                self.records[key] = {"key": key, "error": self.failed[lost[0]]}
                del self.waiting[key]
            elif self.idle and all(path.exists() for path in paths):
                self._start(key, deadline)
                self.started.append(key)
                del self.waiting[key]
        for key in [key for key, (_, future) in self.running.items() if future.done()]:
            pool, future = self.running.pop(key)
            self.records[key] = outcome(key, future.result)
            self.idle.append(
                start_pool() if isinstance(future.exception(), BrokenExecutor) else pool
            )
            log.info("%s", self.records[key])
        return len(self.records) > before

    def _start(self, key: str, deadline: float) -> None:
        pool = self.idle.pop()
        try:
            future = pool.submit(self.task.experiment, key, deadline)
        except BrokenExecutor:  # its process was killed while it waited
            pool = start_pool()
            future = pool.submit(self.task.experiment, key, deadline)
        self.running[key] = pool, future

    def stop(self) -> None:
        """Kill the processes; the folds that they are training are lost."""
        for pool in (*self.idle, *(pool for pool, _ in self.running.values())):
            stop_pool(pool)

    def ended(self) -> bool:
        """Whether no experiment waits or runs."""
        return not self.waiting and not self.running

    def write(self) -> None:
        """Write the results, with a record of every experiment."""
        late = {"error": LATE}
        self.task.write([self.records.get(key, {"key": key, **late}) for key in self.task.inputs])

    def write_ended_folds(self) -> None:
        """Score the experiments that were stopped or failed, on the folds that they had stored."""
        for key in self.started:
            if "paper" in self.records.get(key, {}):
                continue
            record = outcome(key, partial(self.task.experiment, key, time.time()))
            record.pop("seconds", None)  # the time of scoring, not of training
            if "error" not in record or key not in self.records:
                self.records[key] = record
                self.write()


def start_pool() -> Executor:
    """A pool of one process, which ends with this one, however it ends."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, spawn, end_at_once, (os.getpid(),))


def stop_pool(pool: Executor) -> None:
    """Kill the process of a pool."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()
    pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """Let SIGTERM raise ``SystemExit``, so that ``finally`` blocks run."""

    def leave(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run(task: Task, workers: int, deadline: float) -> None:
    """Run the experiments until the deadline.

    The results are written whenever an experiment ends, and at the end, whatever ends the program.

    Parameters
    ----------
    workers : int
        Experiments at once.
    deadline : float
        Time, as ``time.time()`` gives it, after which no fold starts.
    """
    failed: dict[Path, str] = {}
    queue = Queue(task, failed, workers)
    preparing = Thread(target=prepare_all, args=(task, failed), daemon=True)
    try:
        with sigterm_as_exit():
            preparing.start()
            while time.time() < deadline + 1 and not queue.ended():
                if queue.step(deadline):
                    queue.write()
                time.sleep(POLL)
    finally:
        queue.stop()
        queue.write()
        queue.write_ended_folds()
