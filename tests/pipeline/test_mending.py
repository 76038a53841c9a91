import fcntl

import pytest

from mer.errors import MerError
from mer.pipeline.dvc_locks import LOCK, RWLOCK, repair_locks

WHOLE = {
    "dvc.lock": "schema: '2.0'\nstages:\n  train:\n    cmd: python stages/train.py\n",
    "data/dvc.lock": "schema: '2.0'\nstages:\n  index@demo:\n    cmd: python stages/index.py demo\n",
    "papers/leaks/dvc.lock": "schema: '2.0'\nstages:\n  count@demo:\n    cmd: python stages/count.py\n",
    str(RWLOCK): '{"write": {}, "read": {}}',
}


@pytest.fixture
def repository(tmp_path):
    for name, text in WHOLE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_whole_files_stay(repository):
    assert repair_locks(repository) == []
    assert {n: (repository / n).read_text() for n in WHOLE} == WHOLE


def test_missing_files_are_no_damage(tmp_path):
    assert repair_locks(tmp_path) == []


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("kept", [0, 9, 24])
def test_a_file_cut_short_is_renamed_alone(repository, name, kept):
    (repository / name).write_text(WHOLE[name][:kept])
    assert repair_locks(repository) == [repository / name]
    assert [n for n in WHOLE if not (repository / n).exists()] == [name]
    assert (repository / f"{name}.damaged").read_text() == WHOLE[name][:kept]


def test_a_conflict_of_a_merge_is_refused_and_nothing_is_renamed(repository):
    (repository / "data/dvc.lock").write_text("")
    conflict = f"<<<<<<< HEAD\n{WHOLE['dvc.lock']}=======\n>>>>>>> theirs\n"
    (repository / "dvc.lock").write_text(conflict)
    with pytest.raises(MerError, match=r"dvc\.lock must be without conflicts of a merge"):
        repair_locks(repository)
    assert (repository / "dvc.lock").read_text() == conflict
    assert (repository / "data/dvc.lock").exists()


def test_a_file_cut_inside_a_letter_is_renamed(repository):
    (repository / "data/dvc.lock").write_bytes("schema: '2.0'\nstages: ó".encode()[:-1])
    assert repair_locks(repository) == [repository / "data/dvc.lock"]


def test_nothing_is_renamed_while_dvc_works(repository):
    (repository / "dvc.lock").write_text("")
    with (repository / LOCK).open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert repair_locks(repository) == []
    assert repair_locks(repository) == [repository / "dvc.lock"]
