"""Digests of the code that a trained system answers with: that of its features and of its network.

Weights fit the code that they were trained with. A system keeps the digests of that code, so that it
notices an edit of a feature or of a network before it answers.
"""

import ast
import hashlib
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mer import registry
from mer.io.files import differing, sha256
from mer.pipeline import imports
from mer.pipeline.sources import data_files

COMPUTING = ("audio.py", "dsp", "features", "learn", "models", "networks")
# The modules of mer.learn that trainers predict with; the others train.
PREDICTING = (
    *("learn.attributes", "learn.deviations", "learn.estimator_arrays", "learn.forward"),
    *("learn.memmap", "learn.tensors", "learn.trained_network", "learn.trainers._voting"),
)
SHORT = 16  # digits of a digest


def digests(model: str, families: Iterable[str]) -> dict[str, str]:
    """The digests of the files that compute the answers of a system.

    They are those of ``of_model``, those of ``of_families``, and for a table the distance from the training
    clips. What all systems share is left out: decoding, joining tables, reading and writing.

    Parameters
    ----------
    model : str
    families : iterable of str
        The families that the model reads; none if it reads no table.

    Returns
    -------
    dict of str to str
        Path below the package -> the first 16 digits of the SHA-256, sorted by path. Comments, docstrings
        and blank lines of a module do not count.
    """
    families = list(families)
    distance = _digests(_paths(["learn.out_of_distribution"] if families else []))
    return dict(sorted({**of_model(model), **of_families(families), **distance}.items()))


def of_model(model: str) -> dict[str, str]:
    """The digests of the files of a model, which decide what its weights mean.

    The files are its module, the networks that its trainer imports and, if it reads spectrograms,
    ``mer.dsp.mel``, with all that these import; its trainer; and what that one predicts with.
    """
    module = registry.get("models", model)
    names = [f"models.{model}", *(["dsp.mel"] if "spectrogram" in module.reads else [])]
    (trainer,) = _paths([f"learn.trainers.{module.trainer}"])
    imported = {name.removeprefix("mer.") for name in imports.imported(trainer)}
    names += sorted(name for name in imported if name.startswith("networks."))
    return _digests(_reached(names) | {trainer} | (imports.reached(trainer) & _paths(PREDICTING)))


def of_families(families: Iterable[str]) -> dict[str, str]:
    """The digests of the files that compute families of features, their data files among them."""
    return _digests(_reached(f"features.{family}" for family in families))


def _paths(names: Iterable[str]) -> set[Path]:
    return {path for name in names if (path := imports.path_of(f"mer.{name}"))}


def _reached(names: Iterable[str]) -> set[Path]:
    """The files of modules of the package, and those that they import."""
    start = _paths(names)
    return start | imports.reached(*start)


def _digests(modules: Iterable[Path]) -> dict[str, str]:
    """Path below the package -> digest, of modules that compute and of the data files that these name."""
    found = {}
    for module in sorted(modules):
        below = module.relative_to(imports.SRC / "mer")
        if below.parts[0] in COMPUTING and not imports.is_docstring(module):
            found[below.as_posix()] = hashlib.sha256(_statements(module).encode()).hexdigest()
            for file in data_files(module):
                found[file.relative_to(imports.SRC / "mer").as_posix()] = sha256(file)
    return {name: digest[:SHORT] for name, digest in sorted(found.items())}


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """Line and column of each docstring."""
    for node in ast.walk(tree):
        kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            yield node.body[0].lineno, node.body[0].col_offset


def _statements(module: Path) -> str:
    """The text of a module without docstrings, comments and blank lines."""
    lines = module.read_text(encoding="utf-8").splitlines(keepends=True)
    docstrings = set(_docstrings(imports.tree(module)))
    for token in reversed(list(tokenize.generate_tokens(iter(lines).__next__))):
        blank = token.type == tokenize.NL and not token.line.strip()
        docstring = token.type == tokenize.STRING and token.start in docstrings
        if blank or docstring or token.type == tokenize.COMMENT:
            (first, start), (last, end) = token.start, token.end
            left = lines[first - 1][:start].rstrip() + lines[last - 1][end:]
            lines[first - 1 : last] = [left] if left.strip() else []
    return "".join(lines)


def differing_files(theirs: Mapping[str, str], ours: Mapping[str, str]) -> list[str]:
    """The files that differ between two answers of ``digests``, or that one of them lacks, sorted."""
    return sorted(differing(ours, theirs))


def named(files: list[str]) -> str:
    """The first of some files, and the number of the others, for a message."""
    return f"src/mer/{files[0]}" + (f" and {len(files) - 1} more" if len(files) > 1 else "")
