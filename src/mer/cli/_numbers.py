"""Numbers among the options of the commands, refused where they are too small."""

import argparse
from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


def at_least(lowest: Number) -> Callable[[str], Number]:
    """The type of an option: a number of the type of ``lowest``, finite and no less than it."""

    kind = "a whole number" if isinstance(lowest, int) else "a number"

    def number(text: str) -> Number:
        try:
            value = type(lowest)(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be {kind}, not {text!r}") from None
        if not lowest <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"must be {lowest:g} or more, not {text}")
        return value

    return number
