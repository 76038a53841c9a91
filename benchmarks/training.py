"""Clips per second in training: the project's loop against a plain one, and the machine's floor.

    python benchmarks/training.py [--model cnn] [--batch 32] [--clips 96]

Both loops train the same network from the same start on random spectrograms. The plain one is what a
script would do: float32, contiguous, every batch copied from the host, no autocast. The floor is what
the arithmetic and the memory traffic of the layers would cost at the speed that this machine reaches
in one large matrix product and one large copy, measured in the same run.
"""

import argparse
import logging
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from mer import config, registry
from mer.device import device
from mer.learn import loop

SHAPE = (942, 128)
FORWARD_AND_BACKWARD = 3  # a backward pass costs two forward ones
ROUNDS = 3


def plain(
    network: nn.Module, x: Tensor, y: Tensor, lr: float, batch: int, where: torch.device
) -> None:
    """One epoch as a script would write it; ``x`` and ``y`` lie on the host."""
    optimizer = torch.optim.SGD(network.parameters(), lr=lr)
    criterion = nn.CrossEntropyLoss()
    network.train()
    for rows in torch.randperm(len(x)).split(batch):
        loss = criterion(network(x[rows].to(where)), y[rows].to(where))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()


def work(network: nn.Module, x: Tensor) -> tuple[float, float]:
    """Multiply-adds, and values written by layers, of one clip's forward pass."""
    sums = [0.0, 0.0]

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        del inputs
        sums[1] += output.numel()
        if isinstance(layer, nn.Conv2d | nn.Linear):
            sums[0] += output.numel() * layer.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in network.modules() if not list(m.children())]
    with torch.no_grad():
        network.eval()(x[:1])
    for hook in hooks:
        hook.remove()
    return sums[0], sums[1]


def seconds(function: Callable[[], object], where: torch.device) -> float:
    """The fastest of a few rounds, after one that does not count."""
    found = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        function()
        if where.type == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - started)
    return min(found[1:])


def floor(network: nn.Module, where: torch.device) -> float:
    """Seconds per clip at the machine's measured arithmetic and memory speed."""
    kind = torch.bfloat16 if where.type == "cuda" else torch.float32
    side = 4096 if where.type == "cuda" else 1024
    a = torch.randn(side, side, device=where, dtype=kind)
    multiply = seconds(lambda: a @ a, where) / len(a) ** 3
    block = torch.ones(2**26, device=where, dtype=kind)
    move = seconds(lambda: block.clone(), where) / (2 * block.numel())
    operations, values = work(network, torch.zeros(1, *SHAPE, device=where))
    return FORWARD_AND_BACKWARD * max(operations * multiply, 2 * values * move)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cnn", help="a network on spectrograms")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--clips", type=int, default=96)
    chosen = parser.parse_args()
    logging.disable()
    where, module = device(), registry.get("models", chosen.model)
    (params,) = config.read(f"models.{chosen.model}")
    changes = {"batch": chosen.batch, "epochs": 1, "stop_accuracy": None}
    recipe = params.training.model_copy(update=changes)
    x = 10 * torch.randn(chosen.clips, *SHAPE) - 40
    y = torch.arange(chosen.clips) % 4
    resident = [x.half().to(where)], y.to(where)

    def network() -> nn.Module:
        torch.manual_seed(0)
        return module.build(params, shape=SHAPE, classes=4).to(where)

    one, other = network(), network()
    rows = {
        "plain": seconds(lambda: plain(one, x, y, recipe.lr, chosen.batch, where), where),
        "this project": seconds(lambda: loop.fit(other, *resident, recipe, seed=1), where),
        "floor": floor(network(), where) * chosen.clips,
    }
    table = Table(
        "", "clips/s", "times plain", title=f"{chosen.model}, batch {chosen.batch}, {where}"
    )
    for name, spent in rows.items():
        table.add_row(name, f"{chosen.clips / spent:.1f}", f"{rows['plain'] / spent:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
