"""Numbers among the options of the commands, refused where they are too small."""

import argparse
from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


def at_least(lowest: Number) -> Callable[[str], Number]:
    """The type of an option: a number of the type of ``lowest``, finite and no less than it."""

    def number(text: str) -> Number:
        if not lowest <= (value := type(lowest)(text)) < float("inf"):
            raise argparse.ArgumentTypeError(f"must be {lowest:g} or more, not {text}")
        return value

    return number
