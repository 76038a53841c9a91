"""Registries: the modules of a folder, selected by name in params.yaml."""

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any, Literal, overload

from mer.errors import MerError, blaming

if TYPE_CHECKING:
    from mer.contracts import interfaces


def names(package: str) -> list[str]:
    """The names that can be selected from ``mer.<package>``, sorted.

    Parameters
    ----------
    package : str
        A folder with a module per entry, such as ``models`` or ``learn.trainers``; a module whose name
        begins with ``_`` is not an entry.
    """
    path = importlib.import_module(f"mer.{package}").__path__
    return sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_"))


@overload
def get(package: Literal["models"], name: str) -> "interfaces.Model": ...
@overload
def get(package: Literal["learn.trainers"], name: str) -> "interfaces.Trainer": ...
@overload
def get(package: Literal["features"], name: str) -> "interfaces.Family": ...
@overload
def get(package: Literal["datasets"], name: str) -> "interfaces.Layout": ...
@overload
def get(package: Literal["augment"], name: str) -> "interfaces.Transform": ...
@overload
def get(package: str, name: str) -> Any: ...
def get(package: str, name: str) -> Any:
    """The module ``mer.<package>.<name>``, imported on demand.

    ``mer.contracts.interfaces`` says what it offers.

    Raises
    ------
    MerError
        If there is no such module; the message lists those that exist.
    """
    known = names(package)
    if name not in known:
        raise MerError(
            f"{package}: {name!r} is not one of {known}; choose one of them, or add a module of that name "
            f"to src/mer/{package.replace('.', '/')}"
        )
    place = f"src/mer/{package.replace('.', '/')}/{name}"
    with blaming(f"{place} must import", place, "install what it needs, or correct it"):
        return importlib.import_module(f"mer.{package}.{name}")
