"""Speed-up by a second worker: clips per second of each family with one process and with two.

``python benchmarks/workers.py [--dataset demo] [--clips 16]`` measures the
wall-clock time of ``mer.runtime.parallel.parallel_map`` over clips of a standardized corpus, as the stage
``features`` calls it. Run it on an idle machine. A first call of each process loads libraries and is not
measured. The expected speed-up is at least 1.8.
"""

import argparse
import os
import time
from functools import partial
from pathlib import Path

from joblib.externals.loky import get_reusable_executor
from rich.console import Console
from rich.table import Table

from mer import config
from mer.io.standard import Standard
from mer.pipeline import features
from mer.runtime import parallel

FAMILIES = ("compare", "compare_lld", "essentia", "panda1714")


def seconds(family: str, standard: Path, clips: int, workers: int) -> float:
    """Wall-clock seconds for ``clips`` clips of the corpus."""
    os.environ["MER_JOBS"] = str(workers)
    (params,) = config.read(f"families.{family}")
    work = partial(features._row, standard.absolute(), standard.name, family, params)
    list(parallel.parallel_map(work, range(workers), label=f"{family}, warming up"))
    started = time.perf_counter()
    list(parallel.parallel_map(work, range(clips), label=f"{family}, {workers} workers"))
    spent = time.perf_counter() - started
    get_reusable_executor().shutdown(wait=True)
    return spent


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="demo", help="a standardized corpus")
    parser.add_argument("--clips", type=int, default=16)
    chosen = parser.parse_args()
    standard = Path("data/standard", chosen.dataset)
    clips = min(chosen.clips, len(Standard.read(standard).ids))
    table = Table("family", "clips/s, one", "clips/s, two", "speed-up", title=f"{clips} clips")
    for family in FAMILIES:
        spent = [seconds(family, standard, clips, workers) for workers in (1, 2)]
        rates = [f"{clips / s:.2f}" for s in spent]
        table.add_row(family, *rates, f"{spent[0] / spent[1]:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
