"""SincNet's training step and its inference, in chunks of 200 ms per second of processor time.

``MER_DEVICE=cpu python benchmarks/sincnet.py``: one process, one thread, batch 128, 16 noise clips of
7.5 s at 16 kHz, in the precision of the profile ``paper`` where the processor has it.

To run the original authors' loop beside it (github.com/mravanelli/SincNet, commit d741648; nothing of
it is part of this project): write the same clips as WAV files, their list as ``tr_lst`` of its TIMIT
configuration, four of them as ``te_lst``, a dictionary of file to class as ``lab_dict``,
``class_lay=4``, ``lr=0.004``, ``N_epochs=1``, ``N_batches=10``, ``N_eval_epoch=1``; then
``python speaker_id.py --cfg=<file>``. Its files stay as they are; a script that runs it first makes
``torch.Tensor.cuda`` and ``torch.nn.Module.cuda`` return their argument (no GPU), makes ``numpy.load``
allow pickles (its labels are one), and notes ``time.process_time`` whenever the network is put into
``train`` or ``eval`` mode and when ``torch.save`` is called. Chunks per second of its training are
10 * 128 over the time from ``train`` to ``eval``, those of its evaluation 4 * 730 over the time from
there to ``torch.save``. Keep to one thread (``OMP_NUM_THREADS=1``) here and there, and run them in
turns: memory that others use as well slows both.

Measured on 2026-11-25, two cores of an AMD EPYC (Zen 4, AVX512-BF16), torch 2.13, turns at a load of 2
(one other process; at a load of 5 inference was 2.9 to 4.2 times theirs):

==================  ========  ========  ==========
chunks/s            here      theirs    ratio
==================  ========  ========  ==========
training step       219, 223  50, 53    4.2 to 4.4
inference at 10 ms  737, 749  165, 177  4.2 to 4.5
==================  ========  ========  ==========

Matrix products run at 103e9 multiply-adds a second in bfloat16 here, and 80 transforms of 3200 samples
take 0.28 ms: the 51e6 multiply-adds of convolutions and dense layers and one transform of each filter's
output bound inference by 1290 chunks/s, and three times the former, twice the latter and the optimizer's
0.27 ms a training step by 430.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from mer import config
from mer.learn import loop
from mer.learn.context import apply_profile
from mer.learn.forward import autocast
from mer.learn.trainers import random_chunks
from mer.models import sincnet
from mer.runtime.device import computes_in_bfloat16, device
from mer.targets.classes import Classes
from mer.types import QUADRANTS

CLIPS, SECONDS, ROUNDS, BATCH, HOP = 16, 7.5, 3, 128, 160


def rate(count: int, work: Callable[[], object]) -> float:
    """Chunks per second of processor time, the median of a few rounds after one to warm up."""
    work()
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return count / median(times)


def main() -> None:
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    if (where := device()).type != "cpu":
        raise SystemExit("MER_DEVICE must be cpu: the program measures time of a processor")
    (params,) = config.read("models.sincnet")
    (profile,) = config.read("profiles.paper")
    training_config = apply_profile(params.training, profile)
    size = params.samples(params.chunk_ms)
    network = sincnet.build(params, outputs=4).to(where)
    length = round(SECONDS * params.filter_rate)
    noise = np.random.default_rng(0).uniform(-1, 1, CLIPS * length).astype(np.float16)
    starts, lengths = torch.arange(CLIPS) * length, torch.full((CLIPS,), length)
    clips = random_chunks.Clips(torch.from_numpy(noise), starts, lengths)
    optimizer, generator = loop.optimizer_of(network, training_config), torch.Generator()
    called = loop.training_forward(network, training_config, where)

    def step() -> None:
        network.train()
        x, clip = clips.sample_chunks(BATCH, size, params.amplitude, generator)
        batches = [torch.arange(BATCH)]
        loop.run_epoch(called, [x], clip % 4, batches, Classes(QUADRANTS), optimizer)

    def answer() -> None:
        with autocast(training_config, where):
            random_chunks.classify(network, clips, size, HOP)

    precision = training_config.precision if computes_in_bfloat16(where) else "float32"
    table = Table("", "chunks/s", title=f"SincNet, 200 ms, {precision}")
    table.add_row("training step", f"{rate(BATCH, step):.0f}")
    table.add_row("inference at 10 ms", f"{rate(len(clips.all_chunks(size, HOP)[0]), answer):.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
