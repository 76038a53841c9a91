"""Every experiment behind the tables, and the tables: ``python stages/tables.py [folder of a paper …]``.

Without a folder those of all papers. ``MER_JOBS`` says how many experiments run at once, one per core where
it is not set.
"""

import sys
from pathlib import Path

from mer.pipeline.dvc_locks import check_git, repair_locks
from mer.reproduction import spec
from mer.reproduction.run_all import EVERY, run_all
from mer.runtime.error_messages import one_sentence
from mer.runtime.parallel import jobs

with one_sentence("tables"):
    check_git(Path())
    repair_locks(Path())
    chosen, targets = spec.load(), [EVERY]
    if words := sys.argv[1:]:
        chosen = chosen.only(words)
        targets = [f"{EVERY}:table@{name}" for name in chosen.tables]
    sys.exit(run_all(chosen, jobs(), *targets))
