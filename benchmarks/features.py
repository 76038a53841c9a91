"""Cost of the feature families, compared with direct calls of the libraries.

``python benchmarks/features.py <audio file> ...``: processor time of one process with one thread for
the first 30 s of each file. The rows are measured in turns, so that other load affects all of them.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import opensmile
import soundfile as sf
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from mer import config
from mer.audio import resample
from mer.decoding.clips import decode
from mer.features import compare, compare_lld, essentia, panda1714
from mer.features.essentia import analysis
from mer.types import Clip

ROUNDS = 5
(LIMITS,) = config.read("audio")
SMILE = compare.Params(sample_rate=22050, peak=0.99)
LLD = compare_lld.Params(sample_rate=22050, peak=0.99)
ORIGINAL_RATE = 44100
LOWLEVEL = essentia.Params(sample_rate=ORIGINAL_RATE, profile="lowlevel")
WIDE = essentia.Params(sample_rate=ORIGINAL_RATE, profile="wide")
PANDA = panda1714.Params(sample_rate=22050, separator="repet_sim")
HALF = essentia.Params(sample_rate=22050, profile="lowlevel")
# row -> (the call of a library that it is measured by, the share of it that it may cost)
BOUNDS = {
    "mer: compare, 6373": ("openSMILE: functionals", 1.05),
    "mer: compare_lld, 260": ("openSMILE: descriptors, then deltas", 1.0),
    "mer: essentia, 84": ("Essentia: MusicExtractor", 0.5),
    "mer: essentia, 84, from 22.05 kHz": ("Essentia: MusicExtractor", 0.5),
    "mer: essentia, 111": ("Essentia: MusicExtractor", 1.0),
}
WHOLE, MOST_SECONDS = "mer: panda1714, 1714", 7  # no library has these columns


def smile(level: opensmile.FeatureLevel) -> opensmile.Smile:
    return opensmile.Smile(opensmile.FeatureSet.IS13, level)


def rows(native: Clip, file: Path) -> dict[str, Callable[[], object]]:
    """The measured functions: ours, and calls of the libraries for the same features."""
    clip = resample(native, SMILE.sample_rate)
    levels = opensmile.FeatureLevel
    functionals = smile(levels.Functionals)
    descriptors, deltas = (
        smile(levels.LowLevelDescriptors),
        smile(levels.LowLevelDescriptors_Deltas),
    )
    extractor = analysis.standard().MusicExtractor(
        lowlevelSilentFrames="drop",
        lowlevelFrameSize=2048,
        lowlevelHopSize=1024,
        lowlevelStats=["mean", "stdev"],
    )
    return {
        "openSMILE: functionals": lambda: functionals(clip.samples, clip.sample_rate),
        "mer: compare, 6373": lambda: compare.extract(clip, SMILE),
        "openSMILE: descriptors, then deltas": lambda: (
            descriptors(clip.samples, clip.sample_rate),
            deltas(clip.samples, clip.sample_rate),
        ),
        "mer: compare_lld, 260": lambda: compare_lld.extract(clip, LLD),
        "Essentia: MusicExtractor": lambda: extractor(str(file)),
        "mer: essentia, 84": lambda: essentia.extract(native, LOWLEVEL),
        "mer: essentia, 84, from 22.05 kHz": lambda: essentia.extract(clip, HALF),
        "mer: essentia, 111": lambda: essentia.extract(native, WIDE),
        WHOLE: lambda: panda1714.extract(clip, PANDA),
    }


def milliseconds(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The least of each row over ``ROUNDS`` turns: what else runs only adds to it."""
    turns: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            started = time.process_time()
            call()
            turns[name].append(1e3 * (time.process_time() - started))
    return {name: min(times) for name, times in turns.items()}


def measure(path: Path, folder: Path) -> None:
    """Print the table of one file."""
    whole = decode(path, path.stem, ORIGINAL_RATE, LIMITS)
    native = Clip(whole.id, whole.samples[: 30 * whole.sample_rate], whole.sample_rate)
    sf.write(folder / "clip.wav", native.samples, native.sample_rate, subtype="FLOAT")
    cost = milliseconds(rows(native, folder / "clip.wav"))
    table = Table(
        "call", "ms", "x library", "at most", title=f"{path.name}, {native.seconds:.1f} s"
    )
    for name, value in cost.items():
        if name == WHOLE:
            table.add_row(name, f"{value:.0f}", "", f"{MOST_SECONDS} s")
            continue
        base, bound = BOUNDS.get(name, (name, 1.0))
        limit = f"{bound:.2f}" if name in BOUNDS else ""
        table.add_row(name, f"{value:.0f}", f"{value / cost[base]:.2f}", limit)
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("songs", nargs="+", type=Path)
    songs = parser.parse_args().songs
    with threadpool_limits(1), tempfile.TemporaryDirectory() as scratch:
        for song in songs:
            measure(song, Path(scratch))
