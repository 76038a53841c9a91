"""The manifest of an artefact, which says whether it is present or absent, and why.

Every artefact is a folder with a ``manifest.json`` whose ``status`` is ``present`` or ``absent``. An absent
artefact holds the reason; a corpus without audio has no spectrograms, for example. A stage whose input is
absent writes an absent output; only a model that needs the input raises an error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mer.errors import AbsentError
from mer.io.files import read_json, reading, write_json, writing

MANIFEST = "manifest.json"


def write_manifest(folder: Path, **facts: Any) -> None:
    """Mark ``folder`` as a present artefact."""
    write_json(folder / MANIFEST, {"status": "present", **facts})


def write_absent(target: Path, reason: str, /, **facts: Any) -> None:
    """Write an absent artefact: only the reason, and ``facts``."""
    with writing(target) as folder:
        write_json(folder / MANIFEST, {"status": "absent", "reason": reason, **facts})


def absent(folder: Path) -> str | None:
    """The reason why the artefact is absent, or None where it is present."""
    path = folder / MANIFEST
    manifest = read_json(path)
    with reading(path, "the manifest of an artefact"):
        return {"absent": manifest.get("reason"), "present": None}[manifest["status"]]


def require(folder: Path) -> None:
    """Raise an ``AbsentError`` with its reason where the artefact is absent."""
    if reason := absent(folder):
        raise AbsentError(reason)


@contextmanager
def or_absent(target: Path, /, **facts: Any) -> Iterator[None]:
    """Write ``target`` as absent, with the reason and ``facts``, if an input in the block is absent."""
    try:
        yield
    except AbsentError as error:
        write_absent(target, str(error), **facts)
