"""The cost of a spectrogram, compared with librosa's and with decoding.

``python benchmarks/mel.py <audio file>``: one process, one thread, processor time, the first 30 s, view
``louro``. The rows take turns, so that other load slows all of them down alike. "process start" is paid
once in each worker process.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from mer import config
from mer.decoding import files
from mer.decoding.clips import decode
from mer.dsp import mel
from mer.types import Clip

ROUNDS = 30
VIEW, LIMITS = config.read("views.louro", "audio")
PCM = LIMITS.max_pcm_mib * files.MIB
START = "import time; {}; print(time.process_time())"


def with_librosa(samples: np.ndarray) -> np.ndarray:
    """The decibels of ``librosa.feature.melspectrogram`` and ``power_to_db``."""
    bands = librosa.feature.melspectrogram(
        y=samples,
        sr=VIEW.sample_rate,
        n_fft=VIEW.n_fft,
        hop_length=VIEW.hop_length,
        n_mels=VIEW.n_mels,
    )
    return librosa.power_to_db(bands.astype(float), top_db=VIEW.top_db)


def milliseconds(rows: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median of each row over ``ROUNDS`` turns, after one turn that only warms up."""
    turns: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(1 + ROUNDS):
        for name, function in rows.items():
            started = time.process_time()
            function()
            turns[name].append(1e3 * (time.process_time() - started))
    return {name: float(np.median(times[1:])) for name, times in turns.items()}


def process_start(statement: str) -> float:
    """Processor time in ms of a new Python process that runs ``statement``."""
    command = [sys.executable, "-c", START.format(statement)]
    return 1e3 * float(subprocess.run(command, capture_output=True, check=True).stdout)


def main(path: Path) -> None:
    """Print the table, and the largest difference from librosa."""
    native = decode(path, path.stem, 44100, LIMITS)
    native = Clip(native.id, native.samples[: 30 * native.sample_rate], native.sample_rate)
    clip = mel.prepare(native, VIEW)
    cost = milliseconds(
        {
            "decode the file": lambda: files.decode(path, 44100, LIMITS.min_seconds, PCM),
            "mer: prepare (44.1 -> 16 kHz, peak)": lambda: mel.prepare(native, VIEW),
            "mer: spectrogram": lambda: mel.spectrogram(clip, VIEW),
            "librosa: spectrogram": lambda: with_librosa(clip.samples),
        }
    )
    cost["process start: import mer.dsp.mel"] = process_start("import mer.dsp.mel")
    table = Table("step", "ms", title=f"{path.name}, {clip.seconds:.1f} s")
    for name, value in cost.items():
        table.add_row(name, f"{value:.1f}")
    expected = with_librosa(clip.samples).T
    found = mel.spectrogram(clip, VIEW)[: len(expected)]
    console = Console()
    console.print(table)
    console.print(f"largest difference from librosa: {np.abs(found - expected).max():.1e} dB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("song", type=Path)
    song = parser.parse_args().song
    with threadpool_limits(1):
        main(song)
