"""Training cost of networks on a real corpus: seconds per epoch of each phase.

    python benchmarks/costs.py cnn_4qaed crnn_4qaed … [--epochs 1]

The keys are experiments of ``papers/`` whose inputs are prepared. The program trains the first fold as the
experiment does under the profile ``paper``, but with one restart and at most ``--epochs`` epochs, and
discards the result.
"""

import argparse
import logging
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mer import config
from mer.io.folds import read_folds
from mer.pipeline import train
from mer.reproduction import spec
from mer.schema.augmentation import Policy
from mer.schema.feature_selection import Columns
from mer.schema.profiles import WHOLE, Profile
from mer.selection import Selection


def composition(key: str, profile: str) -> tuple[Selection, Any, Policy, Profile, Columns]:
    """The selection of an experiment, with its blocks and columns as the experiment changes them."""
    experiment = spec.load().find(key)
    if experiment is None:
        raise SystemExit(f"the key must be of an experiment in papers/, and there is no {key!r}")
    given = experiment.model_dump()
    chosen = Selection.of(given, profile, seed=1)
    params, policy, scope = chosen.blocks()
    words = given["settings"].split()
    params, columns = config.with_values(params, config.settings(words)), config.columns(words)
    return chosen, params, policy, scope, columns


def cost(key: str, epochs: int) -> tuple[dict[str, float], int, int]:
    """Timing of an experiment, and the number of folds and restarts of the whole protocol."""
    chosen, params, policy, profile, columns = composition(key, WHOLE)
    short = profile.model_copy(update={"max_folds": 1, "repeats": 1, "max_epochs": epochs})
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "run")
        found = train.run(chosen, params, policy, short, target, columns, keep_weights=False)
    return found, len(read_folds(chosen.folds)), profile.restarts(params)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keys", nargs="+", help="experiments of papers/")
    parser.add_argument("--epochs", type=int, default=1)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    table = Table("experiment", "phase", "examples/s", "s/epoch", "folds", "restarts")
    for key in chosen.keys:
        found, *counts = cost(key, chosen.epochs)
        for name, seconds in found.items():
            phase = name.removesuffix("_seconds_per_epoch")
            if phase != name:
                rate = found[f"{phase}_examples_per_second"]
                table.add_row(key, phase, f"{rate:.1f}", f"{seconds:.1f}", *map(str, counts))
    Console().print(table)


if __name__ == "__main__":
    main()
