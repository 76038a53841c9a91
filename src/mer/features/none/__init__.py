"""No table, for systems that read none; as a published table that no corpus brings it costs nothing."""

from mer.schema import Block


class Params(Block):
    """Nothing to set."""


def names(params: Params) -> list[str]:
    """No columns."""
    return []
