"""Every experiment behind the tables, and the tables: ``python stages/tables.py``.

``MER_JOBS`` says how many experiments run at once, one per core where it is not set.
"""

import sys
from pathlib import Path

from mer import papers
from mer.mending import mend
from mer.parallel import jobs
from mer.stage import one_sentence
from mer.sweep import sweep

with one_sentence("tables"):
    mend(Path())
    sys.exit(sweep(papers.load(), jobs()))
