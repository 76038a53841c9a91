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
from pathlib import Path
from typing import cast

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from mer import config, registry
from mer.contracts.protocols import TwoStageModel
from mer.io.spectrograms import Mels
from mer.learn import early_stopping, loop, memmap
from mer.learn.data import TrainingData
from mer.learn.trainers import two_stage
from mer.networks.segments import MaskedAutoencoder
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


def read_all(examples: loop.Examples) -> None:
    """Touch every row, batch by batch."""
    for numbers in torch.arange(len(examples)).split(BATCH):
        examples[numbers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=767)
    parser.add_argument("--segments", type=int, default=30)
    parser.add_argument("--steps", type=int, default=2, help="of each stage")
    chosen = parser.parse_args()
    logging.disable()
    where, module = device(), cast(TwoStageModel, registry.get("models", "ae_bilstm"))
    params, policy = config.read("models.ae_bilstm", "policies.masked")
    table = Table("", "examples/s", "peak", "anonymous", title="GiB resident")

    def stage(name: str, examples: int, work: Callable[[], object]) -> None:
        started = time.perf_counter()
        work()
        speed = examples / (time.perf_counter() - started) if examples else 0.0
        shown = f"{speed:.1f}" if examples else ""
        table.add_row(name, shown, f"{resident('VmHWM'):.2f}", f"{resident('RssAnon'):.2f}")

    with tempfile.TemporaryDirectory(dir=".") as folder:
        shape = (chosen.clips, chosen.segments, *SHAPE)
        path, draw = Path(folder, "mel.npy"), np.random.default_rng(0)
        file = np.lib.format.open_memmap(path, "w+", np.float16, shape)
        for clip in range(chosen.clips):
            file[clip] = draw.random(shape[1:], np.float32)
        del file
        ids = tuple(map(str, range(chosen.clips)))
        labels = {id_: i % 2 for i, id_ in enumerate(ids)}
        mels = Mels(ids, np.full(len(ids), SHAPE[0]), np.load(path, mmap_mode="r"))
        data = TrainingData(labels, Classes(("low", "high")), mel=mels, masking=policy.masking)

        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        stage("start", 0, lambda: None)
        every = two_stage.segments(data, ids, where)
        stage("every segment read", len(every), lambda: read_all(every))
        untrained = module.autoencoder(params, shape=SHAPE, masking=policy.masking)
        network = cast(MaskedAutoencoder, untrained.to(where))
        training_config = params.autoencoder.model_copy(update={"max_epochs": 1})
        count = chosen.steps * training_config.batch_size
        flat = mels.values.reshape(-1, *SHAPE)
        some = memmap.examples(flat, np.arange(count), where)
        objective = two_stage.huber(network)
        stage(
            f"stage one, {chosen.steps} steps",
            count,
            lambda: loop.fit(network, [some], some, training_config, seed=1, objective=objective),
        )
        with two_stage.encoded(Noise(), every, chosen.segments) as codes:  # type: ignore[arg-type]
            stage("codes written", 0, lambda: None)
            head = module.build(params, shape=SHAPE, outputs=2).to(where)
            training_config = params.classifier.model_copy(update={"max_epochs": 1})
            parts = early_stopping.parts(codes, ids, (ids, ids, ids), data, where)
            few = memmap.examples(
                codes, np.arange(chosen.steps * training_config.batch_size), where
            )
            targets = parts.train.targets[torch.arange(len(few))]
            stage("every code read", len(ids), lambda: read_all(parts.train.inputs))
            stopping = loop.EarlyStopping([few], targets, "accuracy", 10)
            stage(
                f"stage two, {chosen.steps} steps",
                len(few),
                lambda: loop.fit(
                    head,
                    [few],
                    targets,
                    training_config,
                    seed=1,
                    objective=data.target,
                    early_stopping=stopping,
                ),
            )
    Console().print(table)


if __name__ == "__main__":
    main()
