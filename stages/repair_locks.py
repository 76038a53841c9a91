"""Rename DVC's lock files that a kill has truncated, before the next `dvc repro`.

``python stages/repair_locks.py``
"""

from pathlib import Path

from mer.pipeline.dvc_locks import check_git, repair_locks
from mer.runtime.error_messages import one_sentence

with one_sentence("repair_locks"):
    check_git(Path())
    repair_locks(Path())
