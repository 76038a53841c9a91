"""Scores of the shipped system on labelled songs of another kind than its training clips.

``python benchmarks/other_music.py <folder>``: the folder holds songs and ``labels.csv`` with the columns
``path`` and ``quadrant``, such as ``data/raw/emopia200``.
"""

import sys
from pathlib import Path

import pandas as pd
from rich.console import Console
from sklearn.metrics import f1_score, roc_auc_score

import mer
from mer.inference.answers import SEPARATOR
from mer.targets.labels import HIGH

say = Console().print
root = Path(*sys.argv[1:])
if not (root / "labels.csv").is_file():
    sys.exit(f"the folder must hold songs and a labels.csv, and {root} has none; {__doc__}")
labels = pd.read_csv(root / "labels.csv").set_index("path")["quadrant"]
found = mer.load().predict([root / path for path in labels.index])
found["true"] = [labels[Path(song).relative_to(root).as_posix()] for song in found["id"]]
right = found["class"] == found["true"]
pairs = zip(found["true"], found["possible"].str.split(SEPARATOR), strict=True)
held = [true in possible for true, possible in pairs]
f1 = f1_score(found["true"], found["class"], average="macro")
say(
    f"{len(found)} songs, {found['out_of_distribution'].sum()} of them marked as out of distribution"
)
say(f"right: {right.mean():.3f}; macro-F1 {f1:.3f}")
say(f"the possible quadrants hold the true one: {sum(held) / len(found):.3f}")
say(f"answers: {found['class'].value_counts().sort_index().to_dict()}")
for axis, quadrants in HIGH.items():
    area = roc_auc_score(found["true"].isin(quadrants), found[f"p_high_{axis}"])
    say(f"area under the ROC curve of high {axis}: {area:.3f}")
