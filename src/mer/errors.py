"""The exceptions of the package."""


class MerError(Exception):
    """What must be, what was got, where, and what to do, in one sentence.

    Stages print it without a traceback and end with status 1.
    """


class AbsentError(MerError):
    """An input that is marked absent: the message is the reason, which a table can show."""
