"""Find what DVC waits or stops at in a corpus' folder: ``python stages/check_raw.py <dataset>``."""

import sys
from pathlib import Path

from mer.io import raw_folder
from mer.io.files import write_text
from mer.pipeline.stage import stage

(dataset,) = sys.argv[1:]
with stage(f"raw@{dataset}"):
    if (root := Path("data/raw", dataset)).is_dir():  # `render` may make a demo corpus after this
        raw_folder.check(root)
    write_text(Path("data/validated", f"{dataset}.txt"), "valid\n")
