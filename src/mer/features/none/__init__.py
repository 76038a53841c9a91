"""The empty family, for systems that read no table of features; no corpus has its table."""

from mer.schema import Block


class Params(Block):
    """The family has no parameters."""


def names(params: Params) -> list[str]:
    """No columns."""
    return []
