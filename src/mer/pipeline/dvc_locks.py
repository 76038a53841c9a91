"""Repair of DVC's lock files: DVC writes them in place, and refuses to start after a kill truncated one."""

import fcntl
import json
import logging
import shutil
from pathlib import Path

import psutil
import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

from mer.errors import MerError

RWLOCK = Path(".dvc/tmp/rwlock")
LOCK = Path(".dvc/tmp/lock")
WRITTEN = ("dvc.lock", "*/dvc.lock", "papers/*/dvc.lock", str(RWLOCK))

log = logging.getLogger("mer")


def _is_valid(path: Path) -> bool:
    """Whether DVC can read the file."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.name == RWLOCK.name:
            return isinstance(json.loads(text), dict)
        COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(text))
    except (ValueError, yaml.YAMLError, Invalid):
        return False
    return True


def check_git(root: Path) -> None:
    """Refuse a folder that is no Git repository, as one unpacked from a zip file is: DVC needs one.

    Raises
    ------
    MerError
        With the commands that make it one.
    """
    if not any(
        (folder / ".git").exists() for folder in (root.absolute(), *root.absolute().parents)
    ):
        raise MerError(
            f"the project must be a Git repository, which DVC needs, and {root.absolute()} is none; clone "
            "it, or run `git init && git add -A && git commit -m start` here"
        )
    if shutil.which("git") is None:
        raise MerError(
            "Git must be installed, which DVC needs, and there is no command `git`; install it"
        )


def writer(output: Path) -> int | None:
    """The id of the living DVC process that makes an output of the project in this folder, if one does."""
    try:  # DVC removes the file, and rewrites it in place
        writing = json.loads(RWLOCK.read_text(encoding="utf-8")).get("write", {})
    except (FileNotFoundError, ValueError):
        return None
    process = writing.get(str(output.absolute()), {}).get("pid")
    return process if process and psutil.pid_exists(process) else None


def repair_locks(root: Path) -> list[Path]:
    """Rename lock files that DVC cannot read, as a kill leaves them, unless a DVC process is running.

    DVC finds the results of the stages that it has run here in its run cache. The file is kept under its
    name with ``.damaged`` at the end.

    Parameters
    ----------
    root : Path
        Root of the repository.

    Returns
    -------
    list of Path
        The renamed files.

    Raises
    ------
    MerError
        If a file has the marks of a merge in Git.
    """
    (root / LOCK).parent.mkdir(parents=True, exist_ok=True)
    with (root / LOCK).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return []
        locks = [path for pattern in WRITTEN for path in root.glob(pattern)]
        damaged = [path for path in locks if not _is_valid(path)]
        for path in damaged:
            if b"\n<<<<<<< " in b"\n" + path.read_bytes():
                raise MerError(
                    f"{path} must be without conflicts of a merge, and has some; resolve them, as with "
                    f"`git checkout --theirs {path}`"
                )
        for path in damaged:
            kept = path.with_name(f"{path.name}.damaged")
            log.warning("%s is damaged, as by a kill, and is renamed to %s", path, kept.name)
            path.replace(kept)
        return damaged
