"""The imports of the package's modules, read from their sources: those inside functions too.

Imports under ``if TYPE_CHECKING:`` are left out: they do not run, so they cannot change a result.
"""

import ast
from functools import cache
from pathlib import Path

from mer.errors import MerError

SRC = Path(__file__).resolve().parents[2]


@cache
def path_of(module: str) -> Path | None:
    """The file of ``mer.a.b``, or None where that is no module: the name of a function, say."""
    path = SRC.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


@cache
def modules() -> tuple[str, ...]:
    """Every module of the package, ``mer`` itself as ``mer``."""
    found = []
    for path in sorted((SRC / "mer").rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return tuple(found)


@cache
def tree(path: Path) -> ast.Module:
    """The parsed source of a file; one that Python cannot parse is an error."""
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise MerError(
            f"{path} must be Python, and its line {error.lineno} is not ({error.msg}); correct it"
        ) from None


def _for_types(node: ast.AST) -> bool:
    """Whether a statement is ``if TYPE_CHECKING:``."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@cache
def imported(path: Path) -> frozenset[str]:
    """The modules of the package that a file imports anywhere, by name."""
    found = set()
    top = [node for node in tree(path).body if not _for_types(node)]
    for node in (inner for outer in top for inner in ast.walk(outer)):
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if path_of(name) else node.module for name in whole}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(name for name in found if name.split(".")[0] == "mer")


def reached(*files: Path) -> set[Path]:
    """The files of the package that importing these runs, and those that these import in turn."""
    found: set[Path] = set()
    left = list(files)
    while left:
        for module in imported(left.pop()):
            parts = module.split(".")
            above = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
            new = {path for name in above if (path := path_of(name))} - found
            found |= new
            left += new
    return found


def is_docstring(path: Path) -> bool:
    """Whether a file holds nothing but its docstring: no edit of it changes a result."""
    return len(tree(path).body) <= 1
