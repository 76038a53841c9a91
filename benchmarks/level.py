"""Answers of the shipped system for the same songs at lower levels.

``python benchmarks/level.py <folder> [<step>]``: the folder holds songs, such as ``data/raw/4qaed``. Every
fifth is taken, or every ``<step>``-th. The figures are shares of the songs.
"""

import sys
from pathlib import Path

import pandas as pd
import soundfile as sf
from rich.console import Console

import mer
from mer.io import audio_files

LEVELS = (0, -6, -12)  # dB

say = Console(soft_wrap=True).print
root, step = Path(*sys.argv[1:2]), int(sys.argv[2]) if sys.argv[2:] else 5
paths = audio_files.find(root).audio[::step]
if not paths:
    sys.exit(f"the folder must hold songs, and {root} has none; {__doc__}")
predictor = mer.load()
answers: dict[int, list[pd.DataFrame]] = {level: [] for level in LEVELS}
for path in paths:
    samples, sample_rate = sf.read(root / path)
    for level, found in answers.items():
        found.append(predictor.predict_array(samples * 10 ** (level / 20), sample_rate))
tables = {level: pd.concat(found, ignore_index=True) for level, found in answers.items()}
as_it_is = tables[0]
for level, table in tables.items():
    changed = (table["class"] != as_it_is["class"]).mean()
    high = table["p_high_arousal"].mean()
    say(
        f"{level} dB: {len(table)} songs, another class {changed:.3f}, marked as unlike "
        f"{table['unlike'].mean():.3f}, mean of p_high_arousal {high:.3f}"
    )
