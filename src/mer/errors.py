"""The exceptions of the package."""

import errno
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager


class MerError(Exception):
    """An error in one sentence: what is expected, what was found, where, and what to do.

    Stages print it without a traceback and end with status 1.
    """


class AbsentError(MerError):
    """An absent input; the message is the reason, which a table can show."""


class NoTrainingEnded(MerError):
    """No training of a run ended in the time given."""


class Unreadable(Exception):
    """An audio file that cannot be used; the message is its reason in ``quarantine.csv``."""


def lacks_memory(error: Exception) -> bool:
    """Whether the system gave less memory than asked for, whatever library says so."""
    return isinstance(error, MemoryError) or os.strerror(errno.ENOMEM) in str(error)


def _described(error: Exception, within: str) -> str:
    """Kind and text of an error, and where it left the last file that has ``within`` in its path."""
    text = f"{type(error).__name__}: {' '.join(str(error).split()) or 'no text'}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{f.filename}, line {f.lineno}" for f in frames if within in f.filename]
    return f"{text} ({lines[-1]})" if lines else text


@contextmanager
def blaming(
    rule: str, within: str, remedy: str, passing: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Say of an error in a file that a contributor wrote what the file must do, and where the error is.

    Parameters
    ----------
    rule : str
        What must be, of which file, as ``src/mer/models/cnn must import``.
    within : str
        A part of the path of the file.
    passing : tuple of types
        Errors that are not the file's. A lack of memory never is.

    Raises
    ------
    MerError
        If the block raises another error.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (MerError, *passing)) or lacks_memory(error):
            raise
        raise MerError(f"{rule}, and raises {_described(error, within)}; {remedy}") from error


@contextmanager
def noting(place: str) -> Iterator[None]:
    """Add a note to an error that is a bug, for its traceback: the clip that was being computed."""
    try:
        yield
    except MerError:
        raise
    except Exception as error:
        error.add_note(place)
        raise
