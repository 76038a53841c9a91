"""A parallel map whose results are stored as they come, so that a killed run continues with the rest."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from mer.errors import MerError
from mer.runtime.locks import try_lock
from mer.runtime.parallel import Item, parallel_map

SCRATCH = Path(".mer/scratch")
MOST_RUNS = 100  # at the same time over the same inputs
FACTS = "facts"  # key of the metadata of a stored result
# Seconds after the last use of what is stored; what other code has stored is never used again.
KEPT = 30 * 24 * 3600


@cache
def package_digest() -> str:
    """A digest of the package and its data files: results of two versions of it never meet."""
    digest, root = hashlib.sha256(), Path(__file__).parents[1]
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.parent.name != "__pycache__":
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


class Storable(Protocol):
    """A result that ``checkpointed_map`` can write to disk and read back, without pickle.

    ``type(result).from_arrays(*result.to_arrays())`` equals the result.
    """

    def to_arrays(self) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
        """The named arrays of the result, and its other facts, which JSON can represent."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Self:
        """The result that ``to_arrays`` took apart."""


class Arrays(dict[str, np.ndarray]):
    """Named arrays and no other facts: the plainest ``Storable``."""

    def to_arrays(self) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
        """The arrays themselves."""
        return self, {}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """The arrays themselves."""
        return cls(arrays)


Stored = TypeVar("Stored", bound=Storable)


def write_result(result: Storable, path: Path) -> None:
    """Write a result as safetensors, its facts as JSON in the metadata; the file is whole or absent."""
    arrays, facts = result.to_arrays()
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    temporary = path.with_name(f".{path.stem}.{os.getpid()}")
    temporary.write_bytes(save(contiguous, {FACTS: json.dumps(facts)}))
    temporary.replace(path)


def read_result(kind: type[Stored], path: Path) -> Stored | None:
    """The result that an earlier call has stored, or None where it stored none or the file is damaged."""
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = json.loads((file.metadata() or {}).get(FACTS, "{}"))
    except (FileNotFoundError, SafetensorError, ValueError):
        return None
    return kind.from_arrays(arrays, facts)


def _stored_or_computed(
    function: Callable[[Item], Stored],
    kind: type[Stored],
    folder: Path,
    until: float | None,
    item: tuple[int, Item],
) -> Stored | None:
    """The stored result of an item, or else the computed one, stored; None when the time is up."""
    number, value = item
    path = folder / f"{number}.safetensors"
    result = read_result(kind, path)
    if result is None and (until is None or time.time() < until):
        result = function(value)
        write_result(result, path)
    return result


def _remove_unused() -> None:
    """Remove the folders of ``SCRATCH`` in which no run has stored a result for ``KEPT`` seconds."""
    for folder in SCRATCH.iterdir():
        with try_lock(folder) as ours:
            if ours and time.time() - folder.stat().st_mtime > KEPT:
                shutil.rmtree(folder)


@contextmanager
def _locked_scratch(name: str) -> Iterator[Path]:
    """The folder ``name`` of ``SCRATCH``, or ``<name>-1`` and so on where other runs are at work in it."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    _remove_unused()
    for number in range(MOST_RUNS):
        folder = (SCRATCH / (f"{name}-{number}" if number else name)).absolute()
        folder.mkdir(exist_ok=True)
        with try_lock(folder) as ours:
            if ours:
                yield folder
                return
    raise MerError(
        f"{SCRATCH.absolute()} must be on a file system with locks of files, and no folder there can be "
        "locked; put the project on a local disk"
    )


@contextmanager
def checkpointed_map(
    key: Any, kind: type[Stored], until: float | None = None
) -> Iterator[Callable[..., Iterator[Stored | None]]]:
    """``parallel_map`` with stored results: the same call, made again after a kill, computes only the rest.

    Results wait in ``.mer/scratch/<digest of key and code>`` until the block ends without an error, so
    leave the block only after the output is written. A run that makes the same call at the same time gets
    a folder of its own. Folders in which nothing was stored for ``KEPT`` seconds are removed.

    Parameters
    ----------
    key : JSON-serialisable
        Everything that decides the results: parameters, digests of the inputs.
    kind : type
        The ``Storable`` class of the results.
    until : float or None
        Time, as ``time.time()`` returns it, after which no item is started. The result of an item that has
        none by then is None, and the stored results stay for the next call.
    """
    name = hashlib.sha256(json.dumps([key, package_digest()]).encode()).hexdigest()[:16]
    complete = True

    with _locked_scratch(name) as folder:

        def run(
            function: Callable[[Item], Stored],
            items: Sequence[Item],
            *,
            label: str,
            sequential: bool = False,
        ) -> Iterator[Stored | None]:
            nonlocal complete
            complete, missing = False, 0
            work = partial(_stored_or_computed, function, kind, folder, until)
            numbered = list(enumerate(items))
            for result in parallel_map(work, numbered, label=label, sequential=sequential):
                missing += result is None
                yield result
            complete = not missing

        yield run
        if complete:
            shutil.rmtree(folder)
