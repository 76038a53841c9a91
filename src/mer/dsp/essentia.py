"""Essentia, imported at the first use and without its messages."""

from functools import cache
from typing import Any


@cache
def essentia() -> Any:
    """The library ``essentia``; the import takes a second."""
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = (
        False  # before the next import, which logs
    )
    import essentia.standard

    return essentia
