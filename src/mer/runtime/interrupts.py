"""Ctrl-C in libraries that lose it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept() -> Iterator[None]:
    """Raise, after the block, a ``KeyboardInterrupt`` that a library has lost in it.

    Python raises the exception in the code that runs next. Where a library in C calls that code, as
    openSMILE calls the reader of its results, Python only prints the exception, and the library goes on
    with a damaged result.
    """
    before, lost = sys.unraisablehook, False

    def note(found: "sys.UnraisableHookArgs") -> None:
        nonlocal lost
        if issubclass(found.exc_type, KeyboardInterrupt):
            lost = True
        else:
            before(found)

    sys.unraisablehook = note
    try:
        yield
    finally:
        sys.unraisablehook = before
        if lost:
            raise KeyboardInterrupt
