"""Clips per second in training: this project's loop, a plain loop, and a lower bound of the machine.

    python benchmarks/training.py [--model cnn] [--view louro] [--batch 32] [--clips 64]

All loops train the same network from the same initial weights on random spectrograms of the view's shape,
each in a process of its own. The plain loop is what a script would do: float32, contiguous memory, every
batch copied from the host, no autocast, torch's own layers; a second row uses the layers of this project,
so that only the loop differs. This project's loop runs in float32, and in the precision of
``profiles.paper``. The loops are measured in turns, so that other load affects all of them, and a ratio is
taken within a turn. On a CPU, times are processor times. The last column is the peak memory of the
process, or of the GPU.

The lower bound is the time for the operations (multiply-adds) and for the bytes (feature maps read and
written) of the layers, at the speed of one large matrix product and one large copy on this machine, in
bfloat16 if the device computes in it.
"""

import argparse
import logging
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import median
from typing import cast

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from mer import config, registry
from mer.contracts.interfaces import NetworkModel
from mer.learn import loop
from mer.networks import layers
from mer.runtime.device import computes_in_bfloat16, device
from mer.schema.profiles import WHOLE
from mer.schema.training import TrainingConfig
from mer.targets.classes import Classes
from mer.types import QUADRANTS

FORWARD_AND_BACKWARD = 3  # a backward pass costs two forward ones
ROUNDS = 5
CLASSES = len(QUADRANTS)
TARGET = Classes(QUADRANTS)
PLAIN, SCRIPT, PROJECT = "plain", "plain, our layers", "this project, "

epoch: Callable[[], object]  # of a process, as ``start`` leaves it


def build(model: str, shape: tuple[int, ...]) -> tuple[nn.Module, TrainingConfig]:
    """An untrained network of the registry, and its training configuration."""
    (params,) = config.read(f"models.{model}")
    torch.manual_seed(0)
    module = cast(NetworkModel, registry.get("models", model))
    return module.build(params, shape=shape, outputs=CLASSES), params.training


def with_torch_layers(network: nn.Module) -> nn.Module:
    """The network with torch's own layers wherever it has faster ones of this project."""
    if isinstance(network, layers.Dropout):
        return nn.Dropout(network.p)
    if isinstance(network, nn.Sequential):
        network = nn.Sequential(*network)
    for name, layer in network.named_children():
        setattr(network, name, with_torch_layers(layer))
    return network


def plain(
    network: nn.Module, x: Tensor, y: Tensor, training_config: TrainingConfig, where: torch.device
) -> None:
    """Train one epoch in a plain loop; ``x`` and ``y`` are on the host."""
    optimizer = torch.optim.SGD(network.parameters(), lr=training_config.lr)
    criterion = nn.CrossEntropyLoss()
    network.train()
    for rows in torch.randperm(len(x)).split(training_config.batch_size):
        loss = criterion(network(x[rows].to(where)), y[rows].to(where))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()


def start(
    kind: str, model: str, shape: tuple[int, int], batch: int, clips: int, where: torch.device
) -> None:
    """Prepare ``epoch`` in a new process."""
    global epoch
    logging.disable()
    torch.set_num_threads(1)
    network, training_config = build(model, shape)
    changes = {"optimizer": "sgd", "batch_size": batch, "max_epochs": 1, "stop_accuracy": None}
    training_config = training_config.model_copy(
        update=changes | {"precision": kind.removeprefix(PROJECT)}
    )
    x, y = 10 * torch.randn(clips, *shape) - 40, torch.arange(clips) % CLASSES
    if kind.startswith(PROJECT):
        network.to(device())
        resident = [x.half().to(where)], y.to(where)
        epoch = partial(loop.fit, network, *resident, training_config, seed=1, objective=TARGET)
        return
    if kind == PLAIN:
        network = with_torch_layers(network)
    network.to(where)
    epoch = lambda: plain(network, x, y, training_config, where)  # noqa: E731


def seconds(function: Callable[[], object], where: torch.device) -> float:
    """Processor time on a CPU, wall-clock time on a GPU."""
    clock = time.perf_counter if where.type == "cuda" else time.process_time
    started = clock()
    function()
    if where.type == "cuda":
        torch.cuda.synchronize()
    return clock() - started


def turn(where: torch.device) -> float:
    """Seconds of one epoch of this process."""
    return seconds(epoch, where)


def peak_memory(where: torch.device) -> float:
    """GB that this process has used at most."""
    if where.type == "cuda":
        return torch.cuda.max_memory_allocated(where) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9  # KiB on Linux


def work(network: nn.Module, shape: tuple[int, int]) -> tuple[float, float]:
    """Multiply-adds, and values written by layers, of one clip's forward pass."""
    sums = [0.0, 0.0]

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        del inputs
        sums[1] += output.numel()
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            sums[0] += output.numel() * layer.weight[0].numel()

    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_hook(count)
    with torch.no_grad():
        network.eval()(torch.zeros(1, *shape))
    return sums[0], sums[1]


def floor(network: nn.Module, shape: tuple[int, int], where: torch.device) -> tuple[float, float]:
    """Seconds per clip of its operations and of its bytes, at the machine's measured speeds."""
    kind = torch.bfloat16 if computes_in_bfloat16(where) else torch.float32
    side = 4096 if where.type == "cuda" else 1024
    a = torch.randn(side, side, device=where, dtype=kind)
    block, copy = torch.ones(2, 2**26, device=where, dtype=kind)
    multiply = min(seconds(lambda: a @ a, where) for _ in range(ROUNDS)) / side**3
    move = min(seconds(lambda: copy.copy_(block), where) for _ in range(ROUNDS)) / len(block)
    operations, values = work(network, shape)
    return FORWARD_AND_BACKWARD * operations * multiply, FORWARD_AND_BACKWARD * values * move


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cnn", help="a network on spectrograms")
    parser.add_argument("--view", default="louro", help="a view of fixed length: the input's shape")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--clips", type=int, default=64)
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    chosen, where = arguments(), device()
    view, precision = config.read(f"views.{chosen.view}", f"profiles.{WHOLE}.precision")
    shape = view.frames, view.n_mels
    precisions = ["float32", *([precision] if computes_in_bfloat16(where) else [])]
    kinds = [PLAIN, SCRIPT, *(PROJECT + kind for kind in dict.fromkeys(precisions))]
    spawn = multiprocessing.get_context("spawn")
    facts = chosen.model, shape, chosen.batch, chosen.clips, where
    pools = [ProcessPoolExecutor(1, spawn, start, (kind, *facts)) for kind in kinds]
    rounds = [[p.submit(turn, where).result() for p in pools] for _ in range(1 + ROUNDS)][1:]
    peaks = [pool.submit(peak_memory, where).result() for pool in pools]
    for pool in pools:
        pool.shutdown()
    operations, moved = floor(build(chosen.model, shape)[0], shape, where)
    title = f"{chosen.model}, {shape[0]} x {shape[1]}, batch {chosen.batch}, {where}"
    table = Table("", "clips/s", "x plain", "x plain, our layers", "GB", title=title)

    def row(name: str, spent: list[float], peak: str = "") -> None:
        ratios = [median(r[i] / s for r, s in zip(rounds, spent, strict=True)) for i in (0, 1)]
        speed = f"{chosen.clips / median(spent):.1f}"
        table.add_row(name, speed, *(f"{r:.2f}" for r in ratios), peak)

    for i, kind in enumerate(kinds):
        row(kind, [r[i] for r in rounds], f"{peaks[i]:.1f}")
    row("floor: operations", [operations * chosen.clips] * ROUNDS)
    row("floor: bytes", [moved * chosen.clips] * ROUNDS)
    Console().print(table)


if __name__ == "__main__":
    main()
