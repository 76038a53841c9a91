"""The one exception of the package."""


class MerError(Exception):
    """What must be, what was got, where, and what to do, in one sentence.

    Stages print it without a traceback and end with status 1.
    """
