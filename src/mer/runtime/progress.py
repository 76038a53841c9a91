"""Progress of long work: the epochs that running trainings have reached, and the time that is left."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path

from rich.progress import ProgressColumn, Task
from rich.text import Text

ROW = struct.Struct("<II")  # epochs that have ended, and epochs of the training
_place: ContextVar[tuple[Path, int] | None] = ContextVar("_place", default=None)


class Board:
    """A file in which every process notes the epoch that its item has reached.

    Parameters
    ----------
    path : Path
    items : int
    """

    def __init__(self, path: Path, items: int) -> None:
        self.path = path
        path.write_bytes(bytes(ROW.size * items))

    def epochs(self) -> list[tuple[int, int]]:
        """The epochs that have ended, and all epochs, of each training that runs."""
        return [row for row in ROW.iter_unpack(self.path.read_bytes()) if row[0]]


def _note(epoch: int, epochs: int) -> None:
    if place := _place.get():
        path, item = place
        with suppress(OSError), path.open("r+b") as file:  # a remote machine lacks the file
            file.seek(item * ROW.size)
            file.write(ROW.pack(epoch, epochs))


@contextmanager
def working_on(path: Path, item: int) -> Iterator[None]:
    """Let ``note_epoch`` write to the row of an item of the board in ``path``; clear it after the block."""
    token = _place.set((path, item))
    try:
        yield
    finally:
        _note(0, 0)
        _place.reset(token)


def note_epoch(epoch: int, epochs: int) -> None:
    """Note that a training has ended an epoch; this does nothing outside of ``working_on``.

    Parameters
    ----------
    epoch : int
        Counted from 1.
    epochs : int
        Most epochs of the training, which early stopping may end before.
    """
    _note(epoch, epochs)


class EpochsColumn(ProgressColumn):
    """``epoch 17/200, 40/200``: those of the trainings that run."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board

    def render(self, task: Task) -> Text:
        """The epochs, or nothing where no training runs."""
        shown = ", ".join(f"{epoch}/{epochs}" for epoch, epochs in self._board.epochs())
        return Text(f"epoch {shown}" if shown and not task.finished else "")


class RemainingColumn(ProgressColumn):
    """The time that is left, from the mean time of all items done; ``task.fields`` have ``ended``."""

    def render(self, task: Task) -> Text:
        """Hours, minutes and seconds; unknown until the first item is done."""
        if not task.completed or task.total is None or task.elapsed is None:
            return Text("-:--:--")
        ended: float = task.fields["ended"]
        left = ended / task.completed * task.total - task.elapsed
        return Text(str(timedelta(seconds=round(0 if task.finished else max(left, 0)))))
