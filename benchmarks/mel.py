"""Cost of a mel spectrogram, compared with a minimal loop and with librosa.

``python benchmarks/mel.py <audio file>``: processor time of one process with one thread for the first 30 s
in the view ``louro``. The rows are measured in turns, so that other load affects all of them.

The bare loop to be measured against is that in float32, the precision of most of our FFTs: the project
promises librosa's decibels (computed in float64) within 1e-3 dB, which the float32 loop misses below
loud tones, and computes only the windows again in float64 for which that matters. The loop in float64
is what keeping the promise by the bare means would cost. Each row's ratio is taken turn by turn.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from rich.console import Console
from rich.table import Table
from scipy.fft import rfft
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from mer import config
from mer.decoding import worker
from mer.decoding.clips import decode
from mer.dsp import mel
from mer.types import Clip

ROUNDS = 30
VIEW, LIMITS = config.read("views.louro", "audio")
PCM = LIMITS.max_pcm_mib * worker.MIB
BANK = csr_array(librosa.filters.mel(sr=VIEW.sample_rate, n_fft=VIEW.n_fft, n_mels=VIEW.n_mels))
HANN = np.hanning(VIEW.n_fft + 1)[:-1]


def bare(samples: np.ndarray, dtype: type) -> np.ndarray:
    """The least that gives the bands: SciPy's FFT of all windows and a sparse filterbank."""
    padded = np.pad(samples.astype(dtype), VIEW.n_fft // 2)
    windows = sliding_window_view(padded, VIEW.n_fft)[:: VIEW.hop_length]
    return BANK.astype(dtype) @ (np.abs(rfft(windows * HANN.astype(dtype))) ** 2).T


def with_librosa(samples: np.ndarray) -> np.ndarray:
    """librosa's bands in dB."""
    bands = librosa.feature.melspectrogram(
        y=samples,
        sr=VIEW.sample_rate,
        n_fft=VIEW.n_fft,
        hop_length=VIEW.hop_length,
        n_mels=VIEW.n_mels,
    )
    return librosa.power_to_db(bands, top_db=VIEW.top_db)


def milliseconds(rows: dict[str, Callable[[], object]]) -> dict[str, np.ndarray]:
    """Each row's ``ROUNDS`` turns, after one that only warms up."""
    turns: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(1 + ROUNDS):
        for name, function in rows.items():
            started = time.process_time()
            function()
            turns[name].append(1e3 * (time.process_time() - started))
    return {name: np.array(times[1:]) for name, times in turns.items()}


def main(path: Path) -> None:
    """Print the table, and how far the results are from librosa's."""
    native = decode(path, path.stem, 44100, LIMITS)
    native = Clip(native.id, native.samples[: 30 * native.sample_rate], native.sample_rate)
    clip = mel.prepare(native, VIEW)
    base = "bare loop, float32"
    cost = milliseconds(
        {
            base: lambda: bare(clip.samples, np.float32),
            "bare loop, float64": lambda: bare(clip.samples, np.float64),
            "mer: bands": lambda: mel._bands(clip.samples, VIEW),
            "mer: spectrogram (dB, padded)": lambda: mel.spectrogram(clip, VIEW),
            "librosa: spectrogram (dB)": lambda: with_librosa(clip.samples),
            "mer: prepare (44.1 -> 16 kHz, peak)": lambda: mel.prepare(native, VIEW),
            "decode the file": lambda: worker.decode(path, 44100, LIMITS.min_seconds, PCM),
        }
    )
    bases = [base, "bare loop, float64"]
    title = f"{path.name}, {clip.seconds:.1f} s"
    table = Table("step", "ms", *(f"x {name}" for name in bases), title=title)
    for name, turns in cost.items():
        ratios = (f"{np.median(turns / cost[b]):.2f}" for b in bases)
        table.add_row(name, f"{np.median(turns):.1f}", *ratios)
    expected = with_librosa(clip.samples).T
    ours = mel.spectrogram(clip, VIEW)[: len(expected)]
    stored = np.abs(ours.astype(np.float16) - ours).max()
    console = Console()
    console.print(table)
    console.print(f"largest difference from librosa: {np.abs(ours - expected).max():.1e} dB")
    console.print(f"largest error of storing float16: {stored:.3f} dB (at most 0.031)")


if __name__ == "__main__":
    with threadpool_limits(1):
        main(Path(sys.argv[1]))
