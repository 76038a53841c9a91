"""Train the experiments of the papers on the real corpora that are there, for some hours.

The scores of the trainings that end are in ``metrics/experiments``; another call goes on with those that
are missing. The status is 1 if an experiment failed.
"""

import argparse
import logging
import sys

from rich.console import Console
from rich.logging import RichHandler
from rich.table import Column, Table

from mer import config
from mer.cli._console import plain
from mer.cli._numbers import at_least
from mer.pipeline import real_run
from mer.pipeline.experiment_queue import LATE
from mer.reproduction import spec
from mer.reproduction.real_experiments import real_experiments
from mer.runtime.error_messages import one_sentence

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("hours", type=at_least(0.01))
    parser.add_argument("name", metavar="profile", nargs="?", default="quick")
    given = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(message)s", handlers=[RichHandler(show_path=False)])
    with one_sentence("real", {}):
        (profile,) = config.read(f"profiles.{given.name}")
        found = real_run.run(
            real_experiments(spec.load(), given.name, profile), given.hours, given.name
        )
        names = ("experiment", "trainings", "hours still needed on one core", "error")
        table = Table(*(Column(name, overflow="fold") for name in names))
        for row in real_run.rows(found, real_experiments(spec.load(), given.name, profile)):
            table.add_row(*map(plain, row))
        Console().print(table)
        sys.exit(any(record.get("error", LATE) != LATE for record in found))
