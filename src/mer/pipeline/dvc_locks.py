"""Repair of DVC's lock files: DVC writes them in place, and refuses to start after a kill truncated one."""

import fcntl
import json
import logging
from pathlib import Path

import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

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


def repair_locks(root: Path) -> list[Path]:
    """Remove truncated lock files, unless a DVC process is running.

    No result is lost: DVC finds the results of finished stages in its run cache.

    Parameters
    ----------
    root : Path
        Root of the repository.

    Returns
    -------
    list of Path
        The removed files.
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
            log.warning("%s was truncated by a kill and is removed", path)
            path.unlink()
        return damaged
