"""Answers of the shipped system for the same songs at lower levels and at lower sample rates.

``python benchmarks/level_and_rate.py <folder> [<step>]``: the folder holds songs, such as
``data/raw/4qaed``. Every fifth is taken, or every ``<step>``-th. The figures are shares of the songs.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf
import soxr
from rich.console import Console

import mer
from mer.io import audio_files

LEVELS = (-6, -12)  # dB
RATES = (16000, 11025, 8000)  # Hz

say = Console(soft_wrap=True).print


def versions(samples: np.ndarray, sample_rate: int) -> Iterator[tuple[str, np.ndarray, int]]:
    """The song as it is, then its versions: name, samples, sample rate."""
    yield "as it is", samples, sample_rate
    for level in LEVELS:
        yield f"{level} dB", samples * 10 ** (level / 20), sample_rate
    for rate in RATES:
        yield f"{rate} Hz", soxr.resample(samples, sample_rate, rate), rate


parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("root", type=Path, help="folder of songs")
parser.add_argument("step", type=int, nargs="?", default=5, help="every how manyth song is taken")
given = parser.parse_args()
root = given.root
paths = audio_files.find(root).audio[:: given.step]
if not paths:
    sys.exit(f"the folder must hold songs, and {root} has none; {__doc__}")
predictor = mer.load()
answers: dict[str, list[pd.DataFrame]] = defaultdict(list)
for path in paths:
    for version, samples, sample_rate in versions(*sf.read(root / path)):
        answers[version].append(predictor.predict_array(samples, sample_rate))
tables = {version: pd.concat(found, ignore_index=True) for version, found in answers.items()}
for version, table in tables.items():
    changed = (table["class"] != tables["as it is"]["class"]).mean()
    say(
        f"{version}: {len(table)} songs, another class {changed:.3f}, marked as out of distribution "
        f"{table['out_of_distribution'].mean():.3f}, mean of p_high_arousal "
        f"{table['p_high_arousal'].mean():.3f}"
    )
