"""Stand in for inputs that no experiment reads: ``python stages/nothing.py <dataset> …``."""

import sys
from pathlib import Path

from mer.io.artefacts import write_absent
from mer.pipeline.stage import stage

REASONS = {
    "mel/none": "this view has no spectrogram",
    "augmented/none/none": "this view has no spectrogram",
    "features/none": "{} brings no published table 'none'",
}

with stage("nothing"):
    for dataset in sys.argv[1:]:
        for folder, reason in REASONS.items():
            write_absent(Path("data", folder, dataset), reason.format(dataset))
