"""The record of a run: its commit, its duration, and the machine and libraries that it ran on."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from mer.io.files import sha256, write_json
from mer.runtime.portable import instructions_are_limited

CPUINFO = Path("/proc/cpuinfo")  # on Linux
CODE_PATHS = ("src", "stages", "papers/*.yaml", "data/dvc.yaml", "dvc.yaml")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "librosa", "opensmile", "essentia", "soxr")
UNKNOWN = "unknown"  # the commit, without a Git repository


def git(*words: str) -> str:
    """The output of a Git command; empty if it fails, as it does without a repository."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # Git is not installed
        return ""
    return done.stdout.rstrip()


def uncommitted() -> list[str]:
    """The files of the code, parameters not among them, that differ from the commit."""
    return [line[3:] for line in git("status", "--porcelain", "--", *CODE_PATHS).splitlines()]


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


def write_record(scores: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a run beside its results, ``<name>.record.json``, with their digest."""
    write_json(scores.with_suffix(".record.json"), {**record, "scores_sha256": sha256(scores)})
