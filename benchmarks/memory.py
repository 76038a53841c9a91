"""Peak memory of the two stages of He & Ferguson on a corpus of PMEmo's size at segments of 1 s.

    python benchmarks/memory.py [--clips 767] [--segments 30] [--steps 2]

The spectrograms, 1.27 GB of float16 noise, are in a file. Stage one trains for some steps with its full
batch and reads every row. The codes of its encoder, here noise, are written to a file of full size.
Stage two trains for some steps with the full BiLSTM and reads every code. The peak is measured from the
time when the corpus has been written; the last column excludes memory-mapped pages of files.
"""

import argparse
import logging
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from mer import config, registry
from mer.contracts.interfaces import TwoStageModel
from mer.io.spectrograms import Mels
from mer.learn import loop, memmap, tensors
from mer.learn.data import TrainingData
from mer.learn.forward import Examples
from mer.learn.trainers import two_stage
from mer.networks.segments import Encoder, MaskedAutoencoder
from mer.runtime.device import device
from mer.targets.classes import Classes

SHAPE = (216, 128)
BATCH = 64


def resident(kind: str) -> float:
    """GiB of this process: ``VmHWM``, its peak, ``RssAnon`` or ``RssFile``."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 2**20


class Noise(nn.Module):
    """Codes of the right shape, at once."""

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        return torch.rand(len(mel), 32, 27, 16), torch.zeros(())


def read_all(examples: Examples) -> None:
    """Touch every row, batch by batch."""
    for numbers in torch.arange(len(examples)).split(BATCH):
        examples[numbers]


def corpus(folder: str, clips: int, segments: int) -> Mels:
    """A corpus of noise, whose spectrograms are in a file."""
    path, draw = Path(folder, "mel.npy"), np.random.default_rng(0)
    file = np.lib.format.open_memmap(path, "w+", np.float16, (clips, segments, *SHAPE))
    for clip in range(clips):
        file[clip] = draw.random((segments, *SHAPE), np.float32)
    del file
    ids = tuple(map(str, range(clips)))
    return Mels(ids, np.full(clips, SHAPE[0]), np.load(path, mmap_mode="r"))


class Stages:
    """A table with a row per stage: its speed, and the memory since the start."""

    def __init__(self) -> None:
        self.table = Table("", "examples/s", "peak", "anonymous", title="GiB resident")
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        self.add("start", 0, lambda: None)

    def add(self, name: str, examples: int, work: Callable[[], object]) -> None:
        """Do the work of a stage and add its row."""
        started = time.perf_counter()
        work()
        speed = examples / (time.perf_counter() - started) if examples else 0.0
        shown = f"{speed:.1f}" if examples else ""
        self.table.add_row(name, shown, f"{resident('VmHWM'):.2f}", f"{resident('RssAnon'):.2f}")


def stage_one(stages: Stages, data: TrainingData, every: Examples, steps: int) -> None:
    """Read every segment, and train the autoencoder for some steps."""
    params, module = config.read("models.ae_bilstm")[0], registry.get("models", "ae_bilstm")
    where = device()
    stages.add("every segment read", len(every), lambda: read_all(every))
    untrained = cast(TwoStageModel, module).autoencoder(params, shape=SHAPE, masking=data.masking)
    network = cast(MaskedAutoencoder, untrained.to(where))
    training = params.autoencoder.model_copy(update={"max_epochs": 1})
    count, objective = steps * training.batch_size, two_stage.huber(network)
    assert data.mel is not None
    some = memmap.examples(data.mel.values.reshape(-1, *SHAPE), np.arange(count), where)
    stages.add(
        f"stage one, {steps} steps",
        count,
        lambda: loop.fit(network, [some], some, training, seed=1, objective=objective),
    )


def stage_two(stages: Stages, data: TrainingData, codes: np.ndarray, steps: int) -> None:
    """Read every code, and train the classifier for some steps."""
    params, module = config.read("models.ae_bilstm")[0], registry.get("models", "ae_bilstm")
    where, ids = device(), tuple(data.labels)
    stages.add("codes written", 0, lambda: None)
    network = cast(TwoStageModel, module).build(params, shape=SHAPE, outputs=2).to(where)
    training = params.classifier.model_copy(update={"max_epochs": 1})
    parts = tensors.parts(codes, ids, (ids, ids, ids), data, where)
    few = memmap.examples(codes, np.arange(steps * training.batch_size), where)
    targets = parts.train.targets[torch.arange(len(few))]
    stages.add("every code read", len(ids), lambda: read_all(parts.train.inputs))
    stopping = loop.EarlyStopping([few], targets, "accuracy", 10)
    fit = partial(loop.fit, network, [few], targets, training, seed=1)
    stages.add(
        f"stage two, {steps} steps",
        len(few),
        lambda: fit(objective=data.target, early_stopping=stopping),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=767)
    parser.add_argument("--segments", type=int, default=30)
    parser.add_argument("--steps", type=int, default=2, help="of each stage")
    chosen = parser.parse_args()
    logging.disable()
    (policy,) = config.read("policies.masked")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        mels = corpus(folder, chosen.clips, chosen.segments)
        labels = {id_: i % 2 for i, id_ in enumerate(mels.ids)}
        data = TrainingData(labels, Classes(("low", "high")), mel=mels, masking=policy.masking)
        stages = Stages()
        every = two_stage.segments(data, mels.ids, device())
        stage_one(stages, data, every, chosen.steps)
        noise = cast(Encoder, Noise())
        with two_stage.encoded(noise, every, chosen.segments) as codes:
            stage_two(stages, data, codes, chosen.steps)
    Console().print(stages.table)


if __name__ == "__main__":
    main()
