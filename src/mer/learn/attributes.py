"""Attributes of fitted estimators as named arrays; a suffix of a name says how its value is stored."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]

# Suffixes of names: of a string, stored as UTF-8; of a matrix that lies in memory column by column, and is
# stored so; of a list of arrays, before the number of each.
TEXT, BY_COLUMNS, LIST = ":text", ":columns", ":list"


def stored(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    """An attribute as arrays; nothing of a value that is neither numbers nor text."""
    if isinstance(value, str):
        yield name + TEXT, np.frombuffer(value.encode(), np.uint8)
    elif isinstance(value, list) and value and isinstance(value[0], np.ndarray):
        yield from ((f"{name}{LIST}.{number}", array) for number, array in enumerate(value))
    elif isinstance(value, bool | int | float | tuple | np.generic | np.ndarray):
        array = np.asarray(value)
        if array.dtype.kind in "biuf":
            by_columns = array.flags.f_contiguous and not array.flags.c_contiguous
            yield (name + BY_COLUMNS, array.T) if by_columns else (name, array)


def read(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The attributes whose arrays ``stored`` has given, by name."""
    found: dict[str, Any] = {}
    lists: dict[str, dict[int, np.ndarray]] = {}
    for key, array in arrays.items():
        name, _, number = key.partition(f"{LIST}.")
        if number:
            lists.setdefault(name, {})[int(number)] = array
        elif name.endswith(TEXT):
            found[name.removesuffix(TEXT)] = array.tobytes().decode()
        elif name.endswith(BY_COLUMNS):
            # Products of matrices differ in the last bit with the layout.
            found[name.removesuffix(BY_COLUMNS)] = array.T
        else:
            found[name] = array if array.ndim else array.item()
    return found | {name: [own[n] for n in sorted(own)] for name, own in lists.items()}
