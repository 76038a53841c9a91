"""SincNet's training step and its inference, in chunks of 200 ms per second of processor time.

``python benchmarks/sincnet.py``: one process, one thread, batch 128, 16 noise clips of 7.5 s at 16 kHz.

To run the original authors' loop beside it (github.com/mravanelli/SincNet, commit d741648; nothing of
it is part of this project): write the same clips as WAV files and their list as ``tr_lst`` and
``te_lst`` of its TIMIT configuration, a dictionary of file to class as ``lab_dict``, ``class_lay=4``,
``lr=0.004``, ``N_epochs=1``, ``N_batches=30``; then ``python speaker_id.py --cfg=<file>``. Without a
GPU, make ``torch.Tensor.cuda`` and ``torch.nn.Module.cuda`` return their argument before it is run.
Chunks per second of its training are 30 * 128 over the time of the 30 batches, those of its evaluation
the chunks at 10 ms over its time; keep to one thread (``OMP_NUM_THREADS=1``) here and there.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from mer import config
from mer.device import device
from mer.learn import chunks, inputs, loop
from mer.models import sincnet

CLIPS, ANSWERED, SECONDS, ROUNDS, BATCH, HOP = 16, 4, 7.5, 5, 128, 160


def rate(count: int, work: Callable[[], object]) -> float:
    """Chunks per second of processor time, the best of a few rounds after one to warm up."""
    work()
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return count / min(times)


def main() -> None:
    where = device()
    (params,) = config.read("models.sincnet")
    (profile,) = config.read("profiles.paper")
    recipe = inputs.shortened(params.training, profile)
    size = params.samples(params.chunk_ms)
    network = sincnet.build(params, classes=4).to(where)
    length = round(SECONDS * params.filter_rate)
    noise = np.random.default_rng(0).uniform(-1, 1, CLIPS * length).astype(np.float16)
    starts, lengths = torch.arange(CLIPS) * length, torch.full((CLIPS,), length)
    clips = chunks.Clips(torch.from_numpy(noise), starts, lengths)
    optimizer, generator = loop.optimizer_of(network, recipe), torch.Generator()
    called = loop.trained(network, recipe, where)

    def step() -> None:
        network.train()
        x, clip = clips.draw(BATCH, size, params.amplitude, generator)
        batches = [torch.arange(BATCH)]
        loop.epoch(called, [x], clip % 4, batches, loop.CLASSIFICATION, optimizer)

    few = chunks.Clips(clips.values, starts[:ANSWERED], lengths[:ANSWERED])

    def answer() -> None:
        with loop.precision(recipe, where):
            chunks.classify(network, few, size, HOP)

    table = Table("", "chunks/s", title=f"SincNet, 200 ms, {recipe.precision}")
    table.add_row("training step", f"{rate(BATCH, step):.0f}")
    table.add_row("inference at 10 ms", f"{rate(len(few.every(size, HOP)[0]), answer):.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
