"""Bytes of networks trained under the limits of ``mer.runtime.portable``, to compare between processors.

    python benchmarks/portable.py
    qemu-x86_64 -cpu Haswell "$(readlink -f .venv/bin/python)" benchmarks/portable.py \\
        --packages .venv/lib/python3.11/site-packages

The program trains small networks for two epochs and prints a digest of the weights and predictions of each.
Run it natively and under user-mode emulation of other processors, and compare the digests. ``--unlimited``
shows what the processor gives without the limits.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

SRC = Path(__file__).resolve().parents[1] / "src"
SHAPE = (300, 128)  # frames and bands, enough for the convolutions of all networks
NETWORKS = ("cnn", "cnn_gru", "crnn", "short_chunk_cnn")


def arguments() -> argparse.Namespace:
    """Parse the command line; the package and its libraries are imported afterwards."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--unlimited", action="store_true")
    parser.add_argument("--packages", help="site-packages of the virtual environment, for qemu")
    return parser.parse_args()


def digests(networks: Sequence[str]) -> None:
    """Train each network on the same random spectrograms, and print its digest."""
    import torch
    from rich.console import Console

    from mer import config, registry
    from mer.contracts.interfaces import NetworkModel
    from mer.learn import loop, trained_network
    from mer.targets.classes import Classes
    from mer.types import QUADRANTS

    torch.set_num_threads(1)
    target = Classes(QUADRANTS)
    noise = torch.randn(8, *SHAPE, generator=torch.Generator().manual_seed(1))
    x, y = (10 * noise - 40).half(), torch.arange(8) % target.outputs
    for name in networks:
        (params,) = config.read(f"models.{name}")
        torch.manual_seed(0)
        module = cast(NetworkModel, registry.get("models", name))
        network = module.build(params, shape=SHAPE, outputs=target.outputs)
        for optimizer in ("sgd", "adam"):
            changes = {"optimizer": optimizer, "batch_size": 4, "max_epochs": 1, "lr": 0.001}
            training = params.training.model_copy(update=changes | {"stop_accuracy": None})
            loop.fit(network, [x], y, training, seed=1, objective=target)
        digest = hashlib.sha256(trained_network.predict(network, [x], target).tobytes())
        for _, tensor in sorted(network.state_dict().items()):
            digest.update(tensor.contiguous().numpy().tobytes())
        Console().print(f"{name}: {digest.hexdigest()[:16]}", highlight=False)


def main() -> None:
    """Print the digests."""
    chosen = arguments()
    sys.path[:0] = [str(SRC), *([chosen.packages] if chosen.packages else [])]
    if not chosen.unlimited:
        from mer.runtime.portable import limit_instructions

        limit_instructions()
    digests(chosen.networks)


if __name__ == "__main__":
    main()
