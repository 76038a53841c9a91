"""The context of every stage script: errors in one sentence, a record of the run, no orphaned processes."""

import errno
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from mer import PARENT_PID
from mer.errors import MerError, lacks_memory
from mer.io.files import read_json, sha256, write_json
from mer.runtime.portable import instructions_are_limited
from mer.runtime.processes import end_at_once
from mer.schema.parameters import FILES, PARAMS

RECORDS = Path(".mer/stages")
CPUINFO = Path("/proc/cpuinfo")  # on Linux
CODE = ("src", "stages", "papers/*.yaml", "data/dvc.yaml", "dvc.yaml")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "librosa", "opensmile", "essentia", "soxr")
PLENTY = 2**30  # bytes: a disk with as much is not full
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
HERE = "this folder"  # a place to write to that no option changes
UNKNOWN = "unknown"  # the commit, without a Git repository
Outputs = Mapping[str, Path]
FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))


def git(*words: str) -> str:
    """The output of a Git command; empty if it fails, as it does without a repository."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # Git is not installed
        return ""
    return done.stdout.rstrip()


def uncommitted() -> list[str]:
    """The files of the code, parameters not among them, that differ from the commit."""
    return [line[3:] for line in git("status", "--porcelain", "--", *CODE).splitlines()]


def code_commit() -> str:
    """The commit of the code, with ``-dirty`` if files of the code are not committed."""
    commit = git("rev-parse", "--short", "HEAD") or UNKNOWN
    return f"{commit}-dirty" if uncommitted() else commit


def _device() -> str:
    """The device of the networks; a stage that has not loaded torch ran on the CPU."""
    if "mer.runtime.device" not in sys.modules:
        return "cpu"
    import torch

    chosen = sys.modules["mer.runtime.device"].device()
    return torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else chosen.type


def _computes_in_bfloat16() -> bool:
    """Whether networks whose profile asks for bfloat16 compute in it here; no without networks."""
    runtime = sys.modules.get("mer.runtime.device")
    return bool(runtime and runtime.computes_in_bfloat16(runtime.device()))


def machine() -> str:
    """The processor, as Linux calls it, its architecture, and the number of cores."""
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return ", ".join([*models[:1], platform.machine(), f"{os.cpu_count()} cores"])


def versions() -> dict[str, str]:
    """Versions of the installed libraries that affect results."""
    found = {}
    for library in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found[library] = metadata.version(library)
    return found


def record_of(name: str, seconds: float, commit: str) -> dict[str, Any]:
    """The record of a run that took ``seconds``, of the code that ``code_commit`` named at its start."""
    return {
        "stage": name,
        "seconds": round(seconds, 2),
        "device": _device(),
        "ended": time.time(),
        "commit": commit,
        "machine": machine(),
        "portable": instructions_are_limited(),
        "bfloat16": _computes_in_bfloat16(),
        "python": platform.python_version(),
        "versions": versions(),
    }


def _sentence(error: Exception, outputs: Outputs | None) -> str | None:
    """The message of an error that the user can fix; None for a bug, which needs its traceback.

    ``MER_TRACEBACK=1`` shows the traceback of every error.
    """
    if os.environ.get("MER_TRACEBACK") == "1":
        return None
    if isinstance(error, MerError):
        return str(error)
    if any(text in str(error) for text in FULL):  # NumPy, Arrow and safetensors each wrap errno
        return _no_room(error, outputs)
    if os.strerror(errno.EFBIG) in str(error):
        return f"files must be allowed the size that they need ({error}); raise `ulimit -f` and run again"
    if lacks_memory(error):
        return (
            f"there must be more memory than this process may take ({error or 'none left'}); raise "
            "`ulimit -v`, set MER_JOBS to fewer, or use a machine with more, and run again"
        )
    return None


def _no_room(error: Exception, outputs: Outputs | None) -> str:
    """The fullest disk that this program writes to, and how to write to another."""
    places = {
        **{option: path.absolute().parent for option, path in (outputs or {}).items()},
        HERE: Path.cwd(),
        "TMPDIR": Path(tempfile.gettempdir()),
        "JOBLIB_TEMP_FOLDER": Path(os.environ.get("JOBLIB_TEMP_FOLDER", "/dev/shm")),
    }
    room = {option: shutil.disk_usage(at).free for option, at in places.items() if at.is_dir()}
    option = min(room, key=lambda name: room[name])  # of places on the same disk, the first
    if outputs is not None and room[option] > PLENTY:
        return (
            f"there must be room where this writes, and there is none ({error}) though every disk that it "
            "knows has some; lead standard output, or its file, to another place and run again"
        )
    if outputs is None:
        remedy = (
            " and run `dvc repro`, or go back to the outputs of the last run with "
            "`dvc checkout -q --allow-missing`"
        )
    else:
        elsewhere = "" if option == HERE else f", or name a place on another disk with {option},"
        remedy = f"{elsewhere} and run again"
    return (
        f"the disk must have room for the output and temporary files, and {places[option]} has "
        f"{room[option] / 1e6:.0f} MB left ({error}); free some{remedy}"
    )


def printable(text: str) -> str:
    """Text for a terminal: control characters, which a file name may hold, are shown as ``\\x1b``."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def printable_name(name: str) -> str:
    """As ``printable``, on one line: line breaks and tabs are shown like other control characters."""
    return printable(name).replace("\t", "\\x09").replace("\n", "\\x0a")


@contextmanager
def one_sentence(name: str, outputs: Outputs | None = None) -> Iterator[None]:
    """Print a ``MerError`` or a full disk without a traceback, and exit with status 1.

    Parameters
    ----------
    outputs : mapping of str to Path, or None
        The files that a command writes, by the option that names each; None for what DVC runs.
    """
    try:
        yield
    except Exception as error:
        if (sentence := _sentence(error, outputs)) is None:
            raise
        message = Text.assemble((f"{name}: ", "bold red"), printable(sentence))
        Console(stderr=True).print(message, soft_wrap=True)
        sys.exit(1)


def write_record(scores: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a run beside its results, ``<name>.record.json``, with their digest."""
    write_json(scores.with_suffix(".record.json"), {**record, "scores_sha256": sha256(scores)})


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
