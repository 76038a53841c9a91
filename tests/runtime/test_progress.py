"""The progress bar: epochs of running trainings, and the time left from the mean."""

import pytest
from rich.progress import Progress, Task

from mer.runtime import parallel
from mer.runtime.progress import Board, EpochsColumn, RemainingColumn, note_epoch, working_on


class Clock:
    """Seconds that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path / "board", 3)


def task(total: int) -> tuple[Clock, Progress, Task]:
    clock = Clock()
    progress = Progress(get_time=clock)
    progress.add_task("", total=total, ended=0.0)
    return clock, progress, progress.tasks[0]


def test_trainings_show_their_epochs_while_they_run(board):
    column, (_, _, shown) = EpochsColumn(board), task(3)
    assert column.render(shown).plain == ""
    with working_on(board.path, 2):
        note_epoch(17, 200)
        with working_on(board.path, 0):
            note_epoch(3, 40)
            assert column.render(shown).plain == "epoch 3/40, 17/200"
        assert column.render(shown).plain == "epoch 17/200"
    assert column.render(shown).plain == ""


def test_a_training_without_a_bar_notes_nothing(board):
    note_epoch(1, 2)
    assert board.epochs() == []


def test_a_machine_that_lacks_the_file_goes_on(tmp_path):
    with working_on(tmp_path / "elsewhere", 0):
        note_epoch(1, 2)
    assert not (tmp_path / "elsewhere").exists()


def test_time_left_follows_from_the_mean_of_all_items():
    clock, progress, shown = task(10)
    column = RemainingColumn()
    clock.now = 500
    assert column.render(shown).plain == "-:--:--"
    for clock.now in (
        700,
        710,
        720,
        730,
    ):  # four at once after a long first one, as with four processes
        progress.update(shown.id, advance=1, ended=shown.elapsed)
    assert column.render(shown).plain == "0:18:15"  # 730 s / 4 * 10 - 730 s
    clock.now = 760
    assert column.render(shown).plain == "0:17:45"
    clock.now = 99_999
    assert column.render(shown).plain == "0:00:00"


def trains(item):
    note_epoch(item + 1, 9)
    return item


def test_items_of_a_map_clear_their_epochs(monkeypatch):
    seen = []
    monkeypatch.setattr(
        parallel, "EpochsColumn", lambda board: seen.append(board) or EpochsColumn(board)
    )
    results = parallel.parallel_map(trains, range(4), label="train")
    assert next(results) == 0
    assert seen[0].path.exists()
    assert [*results] == [1, 2, 3]
    assert not seen[0].path.exists()
