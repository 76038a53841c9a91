"""DVC's own files that a kill has cut short: it writes them in place, and then refuses to start."""

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


def _whole(path: Path) -> bool:
    """Whether DVC would take the file."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.name == RWLOCK.name:
            return isinstance(json.loads(text), dict)
        COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(text))
    except (ValueError, yaml.YAMLError, Invalid):
        return False
    return True


def repair_locks(root: Path) -> list[Path]:
    """Remove lock files that are not whole, unless a DVC is at work.

    Nothing is lost: DVC finds the results of finished stages in its run cache.

    Parameters
    ----------
    root : Path
        Of the repository.

    Returns
    -------
    list of Path
        What was removed.
    """
    (root / LOCK).parent.mkdir(parents=True, exist_ok=True)
    with (root / LOCK).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return []
        found = [path for pattern in WRITTEN for path in root.glob(pattern)]
        damaged = [path for path in found if not _whole(path)]
        for path in damaged:
            log.warning("%s was cut short by a kill and is removed", path)
            path.unlink()
        return damaged
