"""The context of every stage script: errors in one sentence, a record of the run, no orphaned processes."""

import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.logging import RichHandler

from mer import PARENT_PID
from mer.io.files import read_json, write_json
from mer.pipeline.run_record import code_commit, record_of, write_record
from mer.runtime.error_messages import one_sentence
from mer.runtime.processes import end_at_once
from mer.schema.parameters import FILES, PARAMS

RECORDS = Path(".mer/stages")


@contextmanager
def _restorable_parameters() -> Iterator[None]:
    """Touch the files of parameters if the block fails, for Git to see what ``dvc exp run -S`` wrote.

    DVC updates Git's index in the second in which it writes them. If a file has kept its size, Git takes it
    for unchanged, and ``git restore`` would leave it as it is.
    """
    try:
        yield
    except BaseException:
        for file in {PARAMS.as_posix(), *FILES.values()}:
            if Path(file).is_file():
                os.utime(file)
        raise


@contextmanager
def stage(name: str, scores: Path | None = None) -> Iterator[dict[str, Any]]:
    """Run a stage: log to the terminal, print errors in one sentence, record the seconds.

    The record, ``.mer/stages/<name>.json``, also holds device, commit, machine and versions. DVC does
    not hash it.

    Parameters
    ----------
    name : str
        As DVC writes it: ``train``, ``index@demo``.
    scores : Path or None
        Results that are in Git, beside which the record is written once more.

    Yields
    ------
    dict
        Facts that the stage adds to its record.
    """
    end_at_once(PARENT_PID)
    logging.basicConfig(level="INFO", format="%(message)s", handlers=[RichHandler(show_path=False)])
    warnings.filterwarnings("ignore", r"\d+ tasks", UserWarning)  # joblib, of those after an error
    started, commit = time.perf_counter(), code_commit()  # before anyone edits the code
    added: dict[str, Any] = {}
    with _restorable_parameters(), one_sentence(name):
        yield added
        record = record_of(name, time.perf_counter() - started, commit) | added
        write_json(RECORDS / f"{name}.json", record)
        if scores:
            write_record(scores, record)


def records() -> list[dict[str, Any]]:
    """The last record of every stage, sorted by the time when it ended."""
    found = [read_json(path) for path in RECORDS.glob("*.json")]
    return sorted(found, key=lambda record: record["ended"])
