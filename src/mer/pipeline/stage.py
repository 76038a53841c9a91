"""What every stage script shares: errors in one sentence, a seconds record, no orphans."""

import errno
import logging
import os
import platform
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from mer import PARENT
from mer.errors import MerError
from mer.io.artefacts import read_json, write_json
from mer.runtime.portable import limited
from mer.runtime.processes import end_at_once

RECORDS = Path(".mer/stages")
CODE = ("src", "stages", "papers/*.yaml", "data/dvc.yaml", "dvc.yaml")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "librosa", "opensmile", "essentia", "soxr")
FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _commit() -> str:
    """That of the code; ``-dirty`` where the code is not as committed, whatever else has changed."""
    commit = _git("rev-parse", "--short", "HEAD") or "unknown"
    return f"{commit}-dirty" if _git("status", "--porcelain", "--", *CODE) else commit


def _device() -> str:
    """What networks were trained on; no other stage needs to load torch to say so."""
    if "mer.runtime.device" not in sys.modules:
        return "cpu"
    import torch

    chosen = sys.modules["mer.runtime.device"].device()
    return torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type


def versions() -> dict[str, str]:
    """Of the libraries that decide figures, where they are installed."""
    found = {}
    for library in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found[library] = metadata.version(library)
    return found


def _record(name: str, seconds: float, commit: str) -> dict[str, Any]:
    return {
        "stage": name,
        "seconds": round(seconds, 2),
        "device": _device(),
        "ended": time.time(),
        "commit": commit,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "portable": limited(),
        "python": platform.python_version(),
        "versions": versions(),
    }


def _sentence(error: Exception) -> str | None:
    """What the user can do something about, or None: an error of ours, with its traceback."""
    if isinstance(error, MerError):
        return str(error)
    if any(text in str(error) for text in FULL):  # NumPy, Arrow and safetensors each wrap errno
        return (
            f"the disk must have room for what the stage writes, and {Path.cwd()} has "
            f"{shutil.disk_usage('.').free / 1e6:.0f} MB left ({error}); free some and run "
            "`dvc repro`, or go back to the outputs of the last run with `dvc checkout -q --allow-missing`"
        )
    return None


@contextmanager
def one_sentence(name: str) -> Iterator[None]:
    """Print a ``MerError``, or that the disk is full, without a traceback and end with status 1."""
    try:
        yield
    except Exception as error:
        if (sentence := _sentence(error)) is None:
            raise
        message = Text.assemble((f"{name}: ", "bold red"), sentence)
        Console(stderr=True).print(message, soft_wrap=True)
        sys.exit(1)


@contextmanager
def stage(name: str, sidecar: Path | None = None) -> Iterator[dict[str, Any]]:
    """Run a stage: log to the terminal, say errors in one sentence, record the seconds.

    The record, ``.mer/stages/<name>.json``, also holds device, commit, machine and versions. DVC does
    not hash it.

    Parameters
    ----------
    name : str
        As DVC writes it: ``train``, ``index@demo``.
    sidecar : Path or None
        Where else to write the record: beside results that are kept in Git.

    Yields
    ------
    dict
        What the stage adds to its record.
    """
    end_at_once(PARENT)
    logging.basicConfig(level="INFO", format="%(message)s", handlers=[RichHandler(show_path=False)])
    warnings.filterwarnings("ignore", r"\d+ tasks", UserWarning)  # joblib, of those after an error
    started, commit = (
        time.perf_counter(),
        _commit(),
    )  # of the code that runs, whatever is edited then
    added: dict[str, Any] = {}
    with one_sentence(name):
        yield added
        record = _record(name, time.perf_counter() - started, commit) | added
        for path in filter(None, (RECORDS / f"{name}.json", sidecar)):
            write_json(path, record)


def records() -> list[dict[str, Any]]:
    """The last record of every stage, in the order in which they ended."""
    found = [read_json(path) for path in RECORDS.glob("*.json")]
    return sorted(found, key=lambda record: record["ended"])
