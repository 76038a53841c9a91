"""DVC with the pipelines of ``papers/``, which ``.dvcignore`` hides from everyday commands."""

import sys

from dvc.ignore import DvcIgnore

IGNORED = ".dvcignore-papers"
COMMAND = [sys.executable, "-m", "mer", "papers"]


def show_papers() -> None:
    """From here on, DVC in this process reads ``.dvcignore-papers`` in place of ``.dvcignore``."""
    DvcIgnore.DVCIGNORE_FILE = IGNORED
