"""The folds of a corpus under a protocol: ``data/folds/<protocol>/<dataset>.json``."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mer.errors import AbsentError
from mer.io.files import read_json, reading, write_text
from mer.types import Fold


def write_folds(path: Path, folds: Iterable[Fold], **facts: Any) -> None:
    """Write ``data/folds/<protocol>/<dataset>.json``."""
    rows = [
        {"repeat": f.repeat, "fold": f.fold, "train": f.train, "val": f.val, "test": f.test}
        for f in folds
    ]
    write_text(
        path, json.dumps({"status": "present", **facts, "folds": rows}, ensure_ascii=False) + "\n"
    )


def read_folds(path: Path) -> list[Fold]:
    """Read what ``write_folds`` wrote.

    Raises
    ------
    MerError
        If the corpus has no folds under this protocol; the message says why.
    """
    content = read_json(path)
    with reading(path, "a list of folds"):
        if content["status"] == "absent":
            raise AbsentError(f"{path} is absent: {content['reason']}")
        return [
            Fold(f["repeat"], f["fold"], tuple(f["train"]), tuple(f["val"]), tuple(f["test"]))
            for f in content["folds"]
        ]
