"""What every stage script shares: errors in one sentence, a seconds record, no orphans."""

import ctypes
import json
import logging
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from mer.artefacts import write_json
from mer.errors import MerError

RECORDS = Path(".mer/stages")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "librosa", "opensmile", "essentia", "soxr")
PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """Ask Linux to end this process when DVC, its parent, is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _record(name: str, seconds: float) -> dict[str, Any]:
    return {
        "stage": name,
        "seconds": round(seconds, 2),
        "ended": time.time(),
        "commit": _commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "versions": {library: metadata.version(library) for library in LIBRARIES},
    }


@contextmanager
def one_sentence(name: str) -> Iterator[None]:
    """Print a ``MerError`` without a traceback and end with status 1."""
    try:
        yield
    except MerError as error:
        message = Text.assemble((f"{name}: ", "bold red"), str(error))
        Console(stderr=True).print(message, soft_wrap=True)
        sys.exit(1)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Run a stage: log to the terminal, say errors in one sentence, record the seconds.

    The record, ``.mer/stages/<name>.json``, also holds commit, machine and versions. DVC does not
    hash it.

    Parameters
    ----------
    name : str
        As DVC writes it: ``train``, ``index@demo``.
    """
    _end_with_parent()
    logging.basicConfig(level="INFO", format="%(message)s", handlers=[RichHandler(show_path=False)])
    started = time.perf_counter()
    with one_sentence(name):
        yield
    write_json(RECORDS / f"{name}.json", _record(name, time.perf_counter() - started))


def records() -> list[dict[str, Any]]:
    """The last record of every stage, in the order in which they ended."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in RECORDS.glob("*.json")]
    return sorted(found, key=lambda record: record["ended"])
