"""Digests of the code that a trained system answers with: that of its features and of its network.

Weights fit the code that they were trained with. A system keeps the digests of that code, so that it
notices an edit of a feature or of a network before it answers.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mer import registry
from mer.pipeline import imports

COMPUTING = (
    "audio.py",
    "dsp",
    "features",
    "learn",
    "models",
    "networks",
)  # not reading and writing


def digests(model: str, families: Iterable[str]) -> dict[str, str]:
    """The digests of the files that compute the answers of a system.

    The files are the module of its model, those of its families and, if it reads spectrograms,
    ``mer.dsp.mel``, with all that these import, and the module of its trainer. Comments, docstrings and
    blank lines do not count.

    Parameters
    ----------
    model : str
    families : iterable of str
        The families that the model reads; none if it reads no table.

    Returns
    -------
    dict of str to str
        Path below the package -> the first 16 digits of the SHA-256, sorted by path.
    """
    module = registry.get("models", model)
    names = [f"models.{model}", *(["dsp.mel"] if "spectrogram" in module.reads else [])]
    trainer = imports.path_of(f"mer.learn.trainers.{module.trainer}")
    own = _reached(names) | ({trainer} if trainer else set())
    return dict(sorted({**of_families(families), **dict(_digests(own))}.items()))


def of_families(families: Iterable[str]) -> dict[str, str]:
    """The digests of the files that compute families of features, as ``digests`` gives them."""
    return dict(sorted(_digests(_reached(f"features.{family}" for family in families))))


def _reached(names: Iterable[str]) -> set[Path]:
    """The files of modules of the package, and those that they import."""
    start = {path for name in names if (path := imports.path_of(f"mer.{name}"))}
    return start | imports.reached(*start)


def _digests(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    for file in files:
        below = file.relative_to(imports.SRC / "mer")
        if below.parts[0] in COMPUTING and not imports.is_docstring(file):
            yield below.as_posix(), hashlib.sha256(_statements(file).encode()).hexdigest()[:16]


def _statements(file: Path) -> str:
    """The lines of a source file without docstrings, comments on lines of their own, and blank lines."""
    left_out: set[int] = set()
    for node in ast.walk(imports.tree(file)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = file.read_text(encoding="utf-8").splitlines()
    kept = (line for number, line in enumerate(lines, 1) if number not in left_out)
    return "\n".join(line for line in kept if line.strip() and not line.lstrip().startswith("#"))


def changed(theirs: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """The files that differ between two answers of ``digests``, or that one of them lacks, sorted."""
    return sorted(
        name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name)
    )
